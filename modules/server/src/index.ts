/** The public face of @finch/server: how to embed a whole server. */
export { ConfigError, type FinchConfig, loadConfig } from './config';
export { composeFinch } from './finch';
export { createLog } from './log';
