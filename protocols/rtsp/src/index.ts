/** The RTSP module: serves the listeners named "rtsp", and "rtsps" when it has a certificate, on every task thread. */
import type { Module } from '@finch/core';
import { RtspService } from './rtsp-service';

export { RTSP_ERRORS, RtspError } from './errors';
export type { RtspSettings } from './rtsp-settings';

/** What the module host loads. Settings: see RtspSettings. */
export const finchModule: Module = {
  name: 'rtsp',
  onTaskThread(host) {
    const service = new RtspService(host);
    host.serve('rtsp', service);
    const encrypted = service.makeEncrypted();
    if (encrypted !== undefined) host.serve('rtsps', encrypted);
  },
};
