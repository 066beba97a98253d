/**
 * Options of what is served, and where.
 * Rule: rows of the one table (option-table.ts), in the order of `--help`.
 */

import { join } from 'node:path';
import type { OptionSpec } from './option-spec';

/** Points at the folder of the bundled sample movie, served when no folder is named. Relative to dist/config/. */
export const SAMPLE_FOLDER = join(__dirname, '..', '..', 'sample');

/** Lists what says what is served, and where. */
export const SERVING_OPTIONS = [
  {
    kind: 'folder',
    key: 'media',
    field: 'media',
    valueName: 'folder',
    defaultValue: SAMPLE_FOLDER,
    defaultText: 'the bundled sample',
    help: 'Folder whose movies are served',
  },
  {
    kind: 'integer',
    key: 'port',
    field: 'port',
    short: 'p',
    valueName: 'number',
    unit: '',
    min: 0,
    max: 65535,
    defaultValue: 8554,
    help: 'TCP port of RTSP; 0 takes any free port',
  },
  {
    kind: 'addresses',
    key: 'host',
    field: 'hosts',
    valueName: 'address',
    defaultValue: ['::'],
    help: 'Addresses to listen on, several with commas; 0.0.0.0 is every IPv4 address, :: every address',
  },
  {
    kind: 'origins',
    key: 'web-origins',
    field: 'webOrigins',
    valueName: 'origin',
    defaultValue: [],
    help: 'Web pages that may open WebSockets, by origin (https://example.org), several with commas; * lets in all',
  },
  {
    kind: 'file',
    key: 'tls-certificate',
    field: 'tlsCertificate',
    valueName: 'file',
    help: 'Certificate (PEM, with its chain) for RTSPS, which is served when this and --tls-key are given',
  },
  {
    kind: 'file',
    key: 'tls-key',
    field: 'tlsKey',
    valueName: 'file',
    help: 'Private key of the certificate (PEM, without passphrase)',
  },
  {
    kind: 'integer',
    key: 'tls-port',
    field: 'tlsPort',
    valueName: 'number',
    unit: '',
    min: 0,
    max: 65535,
    defaultValue: 8322,
    help: 'TCP port of RTSPS; 0 takes any free port',
  },
] as const satisfies readonly OptionSpec[];
