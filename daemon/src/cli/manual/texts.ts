export interface Section {
  readonly title: string
  /** A paragraph, or terms with what they mean. */
  readonly parts: readonly (string | readonly (readonly [term: string, meaning: string])[])[]
}

/** What holds for the program as a whole. */
export const sections: readonly Section[] = [
  {
    title: 'Exit status',
    parts: [
      [
        ['0', 'done; or valid, for commands that check something'],
        ['1', 'something is wrong on this side: an option, a file, a name. Also: a signature or MAC is not valid'],
        ['2', 'the appliance refused, failed, or did not answer'],
        ['3', 'the act waits for approval'],
      ],
      '"warder status" differs: 0 ready, 1 error or no answer, 2 sealed.',
    ],
  },
  {
    title: 'Output',
    parts: [
      'Data goes to standard output, everything else to standard error. Tables are cut to the width of a terminal and in ' +
        'colour only there; NO_COLOR turns colour off. "--format json" prints what the appliance answered, and lists as one array; "--format yaml" prints ' +
        'the same as YAML. Long work shows a progress bar where standard error is a terminal.',
      'An output file appears whole or not at all, readable by you alone, and replaces nothing unless you say "--force".',
      'An error names its code, the command that helps where there is one, and the request, under which the appliance has ' +
        'logged it and "warder audit tail --request-id" finds it.',
    ],
  },
  {
    title: 'Where settings come from',
    parts: [
      'An option wins over its environment variable, which wins over the settings file: "~/.config/warder/cli.toml", or below ' +
        'XDG_CONFIG_HOME. It may set "addr", "cacert", "token_file" and "space"; paths in it are relative to it.',
      'Secrets are never options or environment variables. An API key comes from a file that not everybody can read, from ' +
        'standard input ("--token-file -"), or from a prompt, which "--no-input" forbids.',
      'A GET that is lost on the way is repeated twice at most. Nothing else is ever repeated by itself: for what makes ' +
        'something, "--idempotency-key" makes it safe to repeat the command.',
    ],
  },
]

/** For the reference alone. */
export const fileFormat = `\`warder encrypt\` makes these of input above 64 KiB, and of any with \`--envelope\`:

\`\`\`text
{"format":"warder-file-v1","space":"default","key":"backups","version":1,"dataKey":"AQAAAA…"}
<chunk><chunk>…<last chunk>
\`\`\`

- The header is one line of JSON, at most 4,096 bytes with its line feed. \`dataKey\` is a fresh AES-256 key as
  \`generateDataKey\` answered it: encrypted under that version of that key, with \`--aad\` as its additional data.
- A chunk is AES-256-GCM of 65,536 bytes of the input, the last one of what is left, each followed by its tag of 16 bytes.
- The nonce of a chunk is its number from 0 (11 bytes, big-endian) and then one byte: 1 for the last chunk, else 0. Its
  additional data is the header, line feed and all. This is the STREAM construction: what is cut off, added, repeated,
  reordered or taken from another file is found.
- Under an RSA key, whoever has its public half can make such a file: it tells nothing of who made it. Under an AES key only
  those who may use the key can.
- Only an empty input makes an empty chunk, the only one of its file.
`
