// Finds the system tools that tests and the benchmark start, and installs missing ones through the system's package manager where it may.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Servers live in sbin, which is not on everybody's PATH. */
const extraFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/opt/homebrew/sbin', '/opt/homebrew/bin'];

/** Tool → whether the tests need it or the benchmark alone, and the package that holds it, where its name differs. */
const tools = {
  mosquitto: { required: true },
  openssl: { required: true },
  'redis-server': { required: true, packages: { apk: 'redis', dnf: 'redis', brew: 'redis' } },
  wrk: { required: false },
};

/** The tools of each user. */
const toolsOf = {
  tests: Object.keys(tools).filter((name) => tools[name].required),
  benchmark: Object.keys(tools),
};

/** PATH with the folders of servers added; tests run with it. */
export const toolPath = [...new Set([...(process.env.PATH ?? '').split(delimiter), ...extraFolders])].filter(Boolean).join(delimiter);

/** The full path of a tool, or undefined. */
export const findTool = (name) =>
  toolPath.split(delimiter).map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/**
 * Debian starts and enables a server as soon as it is installed. The tests start their own, so a policy that says no stands
 * while apt-get works, and what apt-get enabled is disabled again.
 */
const aptScript = `
set -eu
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
fi
install() { apt-get install --yes --quiet --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"; }
install "$@" || { apt-get update --quiet && install "$@"; }
if command -v systemctl >/dev/null; then
  for package in "$@"; do
    case "$package" in openssl|wrk) ;; *) systemctl disable "$package.service" || true ;; esac
  done
fi
`;

const packageManagers = {
  'apt-get': { command: (names) => ['sh', '-c', aptScript, 'install', ...names], hint: (names) => `apt-get install ${names.join(' ')}` },
  apk: { command: (names) => ['apk', 'add', '--no-cache', ...names], hint: (names) => `apk add ${names.join(' ')}` },
  dnf: { command: (names) => ['dnf', 'install', '--assumeyes', '--quiet', ...names], hint: (names) => `dnf install ${names.join(' ')}` },
  brew: { hint: (names) => `brew install ${names.join(' ')}` },
};

const isRoot = () => process.getuid?.() === 0;
const hasSudo = () => findTool('sudo') !== undefined && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;

const packageNames = (manager, missing) => missing.map((tool) => tools[tool].packages?.[manager] ?? tool);

/** Returns undefined when the packages are in, else the last line the package manager said. */
const install = (manager, names) => {
  const setting = 'DEBIAN_FRONTEND=noninteractive';
  const command = ['env', setting, ...packageManagers[manager].command(names)];
  const [program, ...args] = isRoot() ? command : ['sudo', '-n', ...command];
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 300_000, env: { ...process.env, PATH: toolPath } });
  if (status === 0) return undefined;
  return error?.message ?? `${stderr}\n${stdout}`.trim().split('\n').find((line) => /^(E:|ERROR|Error)/.test(line)) ?? `exit code ${status}`;
};

const hintFor = (manager, missing) => {
  if (manager === undefined) return 'with your package manager';
  const sudo = isRoot() || manager === 'brew' ? '' : 'sudo ';
  return `with: ${sudo}${packageManagers[manager].hint(packageNames(manager, missing))}`;
};

/**
 * Makes sure that the tools are there.
 * @param {'tests' | 'benchmark'} user whose tools
 * @returns {{ installed: string[], problem?: string }} `problem` is one line that says what to install and how.
 */
export const ensureTools = (user = 'tests') => {
  const missing = toolsOf[user].filter((name) => findTool(name) === undefined);
  if (missing.length === 0) return { installed: [] };
  const manager = Object.keys(packageManagers).find((name) => findTool(name) !== undefined);
  const mayInstall = packageManagers[manager]?.command !== undefined && (isRoot() || hasSudo());
  const failure = mayInstall ? install(manager, packageNames(manager, missing)) : undefined;
  const stillMissing = missing.filter((name) => findTool(name) === undefined);
  const installed = missing.filter((name) => !stillMissing.includes(name));
  if (stillMissing.length === 0) return { installed };
  const why = failure === undefined ? '' : ` (installing failed: ${failure})`;
  return { installed, problem: `${user === 'tests' ? 'The tests need' : 'The benchmark needs'} ${stillMissing.join(', ')}: install ${hintFor(manager, stillMissing)}${why}` };
};
