/** The RTSP module: serves the listeners named "rtsp", and "rtsps" when it has a certificate, on every task thread. */
import type { Module } from '@finch/core';
import { RtspAcceptor } from './rtsp-acceptor';
import { RtspService } from './rtsp-service';

export { RTSP_ERRORS, RtspError } from './errors';
export type { RtspSettings } from './rtsp-settings';

/** What the module host loads. Settings: see RtspSettings. */
export const finchModule: Module = {
  name: 'rtsp',
  onTaskThread(host) {
    const acceptor = new RtspAcceptor(new RtspService(host));
    host.serve('rtsp', acceptor);
    const encrypted = acceptor.makeEncrypted();
    if (encrypted !== undefined) host.serve('rtsps', encrypted);
  },
};
