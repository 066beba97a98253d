/** Loads modules by path on the thread that asks. Rule: a module that can't be loaded stops the start with its name. */
import type { Module, ModuleSettings } from '../module/module';
import type { ModuleSpec } from './thread-messages';

/** A module with the settings it was configured with. */
export interface LoadedModule {
  readonly module: Module;
  readonly settings: ModuleSettings;
}

/** Loads each module's package, which exports it as `finchModule`. Throws Error naming the module that has none. */
export function loadModules(specs: readonly ModuleSpec[]): LoadedModule[] {
  return specs.map(({ path, settings }) => {
    const loaded: { finchModule?: Module } = require(path);
    if (loaded.finchModule === undefined) throw new Error(`module ${path} exports no "finchModule"`);
    return { module: loaded.finchModule, settings };
  });
}
