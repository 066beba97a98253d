/** What this machine must have before Finch can be set up. Called by setup.mjs. Rule: it looks, it spawns nothing. */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const MIN_NODE = [20, 11];

/** Tells whether a command is in PATH, without running it. */
export function hasCommand(name, searchPath = process.env.PATH ?? '') {
  return searchPath.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Says in one line why this Node is too old, or gives undefined. */
export function nodeProblem(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])) return undefined;
  return `Node.js ${version} is too old: Finch needs ${MIN_NODE.join('.')} or newer. Get it from https://nodejs.org`;
}

/** Says in one line why this system can't run the addon, or gives undefined. */
export function platformProblem(platform = process.platform) {
  if (platform === 'linux') return undefined;
  return `Finch runs on Linux only for now (its addon is built on epoll), found ${platform}: use a Linux container or machine`;
}

/** Lists, a line each, the tools that building the addon needs and this machine lacks, with the command to get them. */
export function toolProblems({ platform = process.platform, env = process.env, has = hasCommand } = {}) {
  const missing = [];
  const compilers = env.CXX ? [env.CXX.split(' ')[0]] : ['g++', 'c++', 'clang++'];
  if (!compilers.some((name) => name.includes('/') || has(name))) missing.push(['a C++ compiler', 'g++']);
  if (!has('make')) missing.push(['make', 'make']);
  if (!['python3', 'python'].some((name) => has(name))) missing.push(['Python 3', 'python3']);
  if (missing.length === 0) return [];
  const names = missing.map(([name]) => name).join(', ');
  const packages = missing.map(([, name]) => name).join(' ');
  const hint =
    platform === 'darwin'
      ? 'xcode-select --install'
      : `sudo apt-get install -y ${packages}   (Debian, Ubuntu; elsewhere the packages of the same purpose)`;
  return [`missing to build the addon: ${names}. Get it with: ${hint}`];
}
