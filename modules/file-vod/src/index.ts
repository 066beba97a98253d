/**
 * The file-vod module: movies from a folder, on demand. Binds the roles route, describe, open and send on task threads, and
 * does its opening and indexing on blocking threads. Settings: `root`, the media folder as a real path.
 */
import type { MediaLocator, MediaRequest, MediaRoles, Module, ModuleSettings } from '@finch/core';
import { FileProvider } from './file-provider';
import {
  CLOSE_JOB,
  type CloseArgument,
  MoviePresentations,
  OPEN_JOB,
  type OpenArgument,
} from './movie-presentations';
import { MovieStore } from './movie-store';

interface FileLocator extends MediaLocator {
  readonly path: readonly string[];
}

function rootOf(settings: ModuleSettings): string {
  if (typeof settings.root !== 'string') throw new TypeError('file-vod needs the setting "root", a folder');
  return settings.root;
}

function rolesOver(presentations: MoviePresentations): MediaRoles<FileLocator> {
  return {
    route: ({ path }: MediaRequest) => (path.length === 0 ? undefined : { name: path.join('/'), path }),
    describe: ({ path }) => presentations.open(path),
    open: ({ path }) => presentations.open(path),
    send: (presentation, tracks) => new FileProvider(presentation, tracks),
  };
}

/** What the module host loads. */
export const finchModule: Module = {
  name: 'file-vod',
  onTaskThread(host) {
    const presentations = new MoviePresentations(host.blocking);
    host.roles.bind(this.name, rolesOver(presentations));
    host.count('open movies', () => presentations.size);
  },
  onBlockingThread(host) {
    const store = new MovieStore(rootOf(host.settings), host.log, host.memory);
    host.handle(OPEN_JOB, ({ path }: OpenArgument) => store.open(path));
    host.onStop(() => store.closeAll());
    host.handle(CLOSE_JOB, ({ movieId }: CloseArgument) => store.close(movieId));
  },
};
