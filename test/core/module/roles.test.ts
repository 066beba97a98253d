/** The chain of the modules' roles. */
import { MediaError, type MediaRoles, type Presentation, RoleChain } from '@finch/core';
import { emptyProvider } from '../stream/empty-provider';

interface Named {
  readonly name: string;
}

/** Roles that claim paths beginning with their name, and write down what they are asked. */
function rolesOf(name: string, asked: string[]): MediaRoles<Named> {
  const note = (what: string) => asked.push(`${name} ${what}`);
  return {
    route: ({ path }) => {
      note(`route ${path.join('/')}`);
      return path[0] === name ? { name: `${name}:${path.slice(1).join('/')}` } : undefined;
    },
    describe: async (locator) => {
      note(`describe ${locator.name}`);
      throw new MediaError('unsupported', 'as a test');
    },
    open: async (locator) => {
      note(`open ${locator.name}`);
      throw new MediaError('not-found', 'as a test');
    },
    send: (presentation, tracks) => {
      note(`send ${presentation.name} ${tracks}`);
      return emptyProvider;
    },
  };
}

const request = (...path: string[]) => ({ path, clientHost: '10.0.0.1' });

describe('a role chain', () => {
  it('asks the modules in the order they were bound; the first that claims serves', async () => {
    const asked: string[] = [];
    const chain = new RoleChain();
    for (const name of ['a', 'b', 'b', 'c']) chain.bind(name, rolesOf(name, asked));
    const media = chain.route(request('b', 'movie'));
    expect(media.name).toBe('b:movie');
    expect(asked).toEqual(['a route b/movie', 'b route b/movie']);
    asked.length = 0;
    await expect(media.describe()).rejects.toMatchObject({ code: 'unsupported' });
    await expect(media.open()).rejects.toMatchObject({ code: 'not-found' });
    const presentation = { name: 'movie' } as Presentation;
    expect(media.send(presentation, [0, 2])).toBe(emptyProvider);
    expect(asked).toEqual(['b describe b:movie', 'b open b:movie', 'b send movie 0,2']);
  });

  it.each([[[]], [['a', 'b']]])('without a module that claims says not-found: %j bound', (names) => {
    const chain = new RoleChain();
    for (const name of names as string[]) chain.bind(name, rolesOf(name, []));
    expect(() => chain.route(request('x', 'y'))).toThrow(
      new MediaError('not-found', 'no module serves /x/y'),
    );
  });

  it('passes on what route() throws', () => {
    const chain = new RoleChain();
    const roles = rolesOf('a', []);
    chain.bind('a', {
      ...roles,
      route: () => {
        throw new MediaError('busy', 'later');
      },
    });
    chain.bind('b', rolesOf('b', []));
    expect(() => chain.route(request('b'))).toThrow('later');
  });
});
