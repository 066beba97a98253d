/**
 * The roles that a module can bind, in the order in which a movie's life calls them. Bound by modules on each task thread,
 * run by protocols. Rule: a role is looked up when a movie is set up, never per packet; `send` gives an object that is
 * called directly from then on. After the roles of Darwin Streaming Server, without protocol in their types.
 */
import { MediaError } from '../stream/media-error';
import type { PullProvider } from '../stream/pipe';
import type { Presentation } from '../stream/presentation';

/** What a client asked for, decoded and checked by its protocol: no empty, "." or ".." segment, no "/" or NUL inside one. */
export interface MediaRequest {
  readonly path: readonly string[];
  /** The client's address, for modules that decide by it. */
  readonly clientHost: string;
  /** The credentials that came with the request, as they came; undefined without. */
  readonly authorization?: string | undefined;
}

/** A module's own name for a movie that it claimed. */
export interface MediaLocator {
  /** What log lines and errors call it. */
  readonly name: string;
}

/** A movie that is open, or will be: who opens it waits with `settled`. */
export type Opening = Presentation | Promise<Presentation>;

/** What a role does. All four of one module go together: who routes a request also opens and sends it. */
export interface MediaRoles<Locator extends MediaLocator = MediaLocator> {
  /**
   * Claims a request, or leaves it to the next module (undefined). At once: it must not touch the disk. Throws MediaError
   * `unauthorized` or `forbidden` to turn the client away, as describe and open may.
   */
  route(request: MediaRequest): Locator | undefined;
  /** Opens a movie to be described only, at once where nothing has to be waited for. Throws MediaError. The caller closes what it gets. */
  describe(locator: Locator): Opening;
  /** Opens a movie to be played, like describe(). */
  open(locator: Locator): Opening;
  /**
   * Gives the frames of some tracks (places in `presentation.tracks`), in decode order over all of them.
   * The provider takes over the caller's hold on the presentation and closes it when its pipe ends.
   */
  send(presentation: Presentation, tracks: readonly number[]): PullProvider;
}

/** A request with the module that claimed it. */
export interface RoutedMedia {
  readonly name: string;
  describe(): Opening;
  open(): Opening;
  send(presentation: Presentation, tracks: readonly number[]): PullProvider;
}

/** The modules' roles of one task thread, in load order. */
export class RoleChain {
  readonly #bound: { module: string; roles: MediaRoles }[] = [];

  /** Binds a module's roles behind those of the modules before it. */
  bind<Locator extends MediaLocator>(module: string, roles: MediaRoles<Locator>): void {
    this.#bound.push({ module, roles: roles as MediaRoles });
  }

  /** Asks the modules in turn; the first that claims the request serves it. Throws MediaError `not-found` when none does. */
  route(request: MediaRequest): RoutedMedia {
    for (const { roles } of this.#bound) {
      const locator = roles.route(request);
      if (locator === undefined) continue;
      return {
        name: locator.name,
        describe: () => roles.describe(locator),
        open: () => roles.open(locator),
        send: (presentation, tracks) => roles.send(presentation, tracks),
      };
    }
    throw new MediaError('not-found', `no module serves /${request.path.join('/')}`);
  }
}
