/** The public face of @finch/load: the engine, its options and reports, the capacity search and its picture. */
export * from './capacity';
export * from './capacity-chart';
export * from './curve-chart';
export * from './figures';
export * from './frame-schedule';
export * from './histogram';
export * from './load-engine';
export * from './load-options';
export * from './load-report';
export { runLoadCommand } from './main';
export * from './report-table';
export * from './sequence-window';
export * from './session-description';
export * from './stream-scanner';
export * from './track-meter';
