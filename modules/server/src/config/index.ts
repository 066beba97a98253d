/** The configuration: what main and the tests use of this folder. */

export { ConfigError } from './config-error';
export { type LoadResult, loadConfig } from './load-config';
export { type FinchConfig, OPTIONS } from './option-table';
export { formatOptionTable } from './option-text';
export { SAMPLE_FOLDER } from './serving-options';
