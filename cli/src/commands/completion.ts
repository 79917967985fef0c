// SPDX-License-Identifier: Apache-2.0
/** `melissa completion`: scripts for bash, zsh and fish, made from the commands themselves. */
import type { Command } from 'commander';
import { failure } from '../errors.ts';
import { SHELLS } from '../program.ts';

type Shell = (typeof SHELLS)[number];
type Entry = { name: string; description: string; options: { flag: string; description: string; choices: string[] }[] };

export function completion(program: Command, shell: string): string {
  if (!SHELLS.includes(shell as Shell)) {
    throw failure('ECOMMAND', `"${shell}" is no shell that melissa can complete in`, {
      remedy: `Give one of ${SHELLS.join(', ')}.`,
    });
  }
  const entries = program.commands.map((command): Entry => ({
    name: command.name(),
    description: command.description(),
    options: command.options.map((option) => ({
      flag: option.long!,
      description: option.description,
      choices: option.argChoices ?? [],
    })),
  }));
  return { bash, zsh, fish }[shell as Shell](entries);
}

const FILE_COMMANDS = ['run', 'validate', 'try'];

function bash(entries: Entry[]): string {
  const cases = entries.map(
    ({ name, options }) => `    ${name}) words="${options.map(({ flag }) => flag).join(' ')}" ;;`,
  );
  return `# Completion of melissa in bash.
_melissa() {
  local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${entries.map(({ name }) => name).join(' ')} help --help --version" -- "$word"))
    return
  fi
  case $previous in
    --directory|--resume) COMPREPLY=($(compgen -d -- "$word")); return ;;
    --output|-o) COMPREPLY=($(compgen -W "text json" -- "$word")); return ;;
    completion) COMPREPLY=($(compgen -W "${SHELLS.join(' ')}" -- "$word")); return ;;
  esac
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
  if [ "\${word#-}" != "$word" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    return
  fi
  case \${COMP_WORDS[1]} in
    ${FILE_COMMANDS.join('|')}) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}
complete -o filenames -F _melissa melissa
`;
}

/** Quotes for a shell's single quotes; zsh's _describe also splits at colons. */
const quoted = (text: string): string => text.replaceAll("'", "'\\''");

function zsh(entries: Entry[]): string {
  const commands = entries.map(
    ({ name, description }) => `    '${name}:${quoted(description.replaceAll(':', '\\:'))}'`,
  );
  const cases = entries.map(({ name, options }) => {
    const specs = options.map(
      ({ flag, description }) => `'${flag}[${quoted(description.replaceAll(/[[\]:]/g, ' '))}]'`,
    );
    const files = FILE_COMMANDS.includes(name) ? " '*:file:_files'" : '';
    return `    ${name}) _arguments ${specs.join(' ')}${files} ;;`;
  });
  return `#compdef melissa
# Completion of melissa in zsh.
_melissa() {
  local -a commands
  commands=(
${commands.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  case $words[2] in
${cases.join('\n')}
  esac
}
compdef _melissa melissa
`;
}

function fish(entries: Entry[]): string {
  const lines = ['# Completion of melissa in fish.', 'complete -c melissa -f'];
  for (const { name, description, options } of entries) {
    lines.push(`complete -c melissa -n __fish_use_subcommand -a ${name} -d '${quoted(description)}'`);
    for (const { flag, description: text, choices } of options) {
      const values = choices.length === 0 ? '' : ` -x -a '${choices.join(' ')}'`;
      lines.push(
        `complete -c melissa -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)} -d '${quoted(text)}'${values}`,
      );
    }
    if (FILE_COMMANDS.includes(name)) lines.push(`complete -c melissa -n '__fish_seen_subcommand_from ${name}' -F`);
  }
  return `${lines.join('\n')}\n`;
}
