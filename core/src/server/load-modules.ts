/** Loads modules by path on the thread that asks. Rule: a module that can't be loaded stops the start with its name. */
import type { Module, ModuleSettings } from '../module/module';
import type { ModuleSpec } from './thread-messages';

/**
 * Loads each module's package, which exports it as `finchModule`, and hands it to `bind`, in order.
 * Throws Error naming the module that can't be loaded, exports none, or throws while it is bound; the cause is kept.
 */
export function loadModules(
  specs: readonly ModuleSpec[],
  bind: (module: Module, settings: ModuleSettings) => void,
): void {
  for (const { path, settings } of specs) {
    try {
      const loaded: { finchModule?: Module } = require(path);
      if (loaded.finchModule === undefined) throw new Error('it exports no "finchModule"');
      bind(loaded.finchModule, settings);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`module ${path} can't be loaded: ${why}`, { cause: error });
    }
  }
}
