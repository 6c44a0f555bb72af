const isOurs = (name: string): boolean => name === 'NODE_OPTIONS' || name === 'REDIS_URL' || name.startsWith('LPWAN_');

/** The environment without what would change how Node or the bridge runs: only the benchmark says what is measured. */
export const plainEnvironment = (): NodeJS.ProcessEnv => Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOurs(name)));
