/**
 * The scripts that shells load to complete the command. They contain no command and no flag: they call `__complete`, so that they need not
 * be reinstalled with each version.
 */

export const SHELLS = ['bash', 'zsh', 'fish', 'powershell', 'kubectl'] as const;
export type Shell = (typeof SHELLS)[number];

/** The first word of a request for candidates; see `complete.ts`. */
export const COMPLETE = '__complete';

const PROGRAMME = 'maintenance-bridge';

export function completionScript(shell: Shell): string {
  return SCRIPTS[shell];
}

/**
 * Readline splits words at `=` and `:` as well, and replaces only the last part. So the script splits the line again at blanks, and
 * candidates lose the part before.
 */
const BASH = `# Completion of ${PROGRAMME} for bash: source <(${PROGRAMME} completion bash)
_maintenance_bridge() {
  local line=\${COMP_LINE:0:COMP_POINT} words current candidate directive prefix
  local -a candidates
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  current=\${words[\${#words[@]} - 1]}
  prefix=\${current%"\${current##*[=:]}"}
  mapfile -t candidates < <(${PROGRAMME} ${COMPLETE} "\${words[@]:1}" 2>/dev/null)
  COMPREPLY=()
  [[ \${#candidates[@]} -gt 0 ]] || return 0
  directive=\${candidates[\${#candidates[@]} - 1]#:}
  unset "candidates[\${#candidates[@]} - 1]"
  for candidate in "\${candidates[@]}"; do
    candidate=\${candidate%%$'\\t'*}
    COMPREPLY+=("\${candidate#"$prefix"}")
  done
  if (( directive & 2 )); then compopt -o nospace; fi
  if (( ! (directive & 4) )) && [[ \${#COMPREPLY[@]} -eq 0 ]]; then compopt -o default; fi
}
complete -F _maintenance_bridge ${PROGRAMME}
`;

const ZSH = `#compdef ${PROGRAMME}
# Completion of ${PROGRAMME} for zsh: source <(${PROGRAMME} completion zsh), after compinit
_maintenance_bridge() {
  local -a lines candidates options
  local line directive
  lines=("\${(@f)$(${PROGRAMME} ${COMPLETE} "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  directive=\${lines[-1]#:}
  [[ $directive == <-> ]] || return 1
  for line in "\${(@)lines[1,-2]}"; do
    # A colon ends the candidate for _describe.
    [[ $line == *$'\\t'* ]] && candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") || candidates+=("\${line//:/\\\\:}")
  done
  (( directive & 2 )) && options=(-S '')
  if (( \${#candidates} )); then
    _describe 'completions' candidates "\${options[@]}"
  elif (( ! (directive & 4) )); then
    _files
  fi
}
compdef _maintenance_bridge ${PROGRAMME}
`;

/** Fish adds no blank after a candidate that ends in a slash, and accepts description and candidate in our format. */
const FISH = `# Completion of ${PROGRAMME} for fish: ${PROGRAMME} completion fish | source
function __maintenance_bridge_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines (${PROGRAMME} ${COMPLETE} $words[2..-1] 2>/dev/null)
    test (count $lines) -gt 0; or return
    set -l directive (string sub -s 2 -- $lines[-1])
    if test (count $lines) -gt 1
        printf '%s\\n' $lines[1..-2]
    else if test (math "bitand($directive, 4)") -eq 0
        __fish_complete_path (commandline -ct)
    end
end
complete -c ${PROGRAMME} -f -a '(__maintenance_bridge_complete)'
`;

const POWERSHELL = `# Completion of ${PROGRAMME} for PowerShell: ${PROGRAMME} completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName '${PROGRAMME}' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -le $cursorPosition } | ForEach-Object { "$_" })
    $words = @($words | Select-Object -Skip 1)
    # An empty word would not reach the program.
    if ($wordToComplete -eq '') { $words += '""' }
    $lines = @(${PROGRAMME} ${COMPLETE} @words 2>$null)
    $lines | Where-Object { $_ -notmatch '^:\\d+$' } | ForEach-Object {
        $candidate, $help = "$_" -split "\`t", 2
        if (-not $help) { $help = $candidate }
        [System.Management.Automation.CompletionResult]::new($candidate, $candidate, 'ParameterValue', $help)
    }
}
`;

/** kubectl runs this by its name and reads the output of \`__complete\` (kubectl, pkg/cmd/plugin_completion.go). */
const KUBECTL = `#!/bin/sh
# Save as kubectl_complete-node_maintenance on the PATH, executable, beside kubectl-node_maintenance.
exec kubectl-node_maintenance ${COMPLETE} "$@"
`;

const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: BASH,
  zsh: ZSH,
  fish: FISH,
  powershell: POWERSHELL,
  kubectl: KUBECTL,
};
