// The sections of a wasm file, as far as the build has to look into them.

export const IMPORTS = 2;
export const DATA = 11;

/** Reads numbers and texts one after the other. */
export class Reader {
  /**
   * @param {Buffer} bytes
   * @param {number} at
   */
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at;
  }

  number() {
    let [value, shift, byte] = [0, 0, 0];
    do {
      byte = this.bytes[this.at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte & 0x80);
    return value >>> 0;
  }

  text() {
    const length = this.number();
    this.at += length;
    return this.bytes.toString("utf8", this.at - length, this.at);
  }
}

/**
 * Where a section begins with its kind, where its content begins, and where it ends.
 * @param {Buffer} bytes
 * @param {number} kind
 */
export function section(bytes, kind) {
  const reader = new Reader(bytes, 8);
  while (reader.at < bytes.length) {
    const begin = reader.at;
    const found = reader.number();
    const length = reader.number();
    const content = reader.at;
    reader.at += length;
    if (found === kind) return { begin, content, end: reader.at };
  }
  throw new Error(`the wasm has no section ${kind}`);
}

/**
 * The same file with other names of what it imports, all from one module.
 * @param {Buffer<ArrayBuffer>} bytes
 * @param {(name: string) => string} rename
 * @param {string} module
 */
export function renameImports(bytes, rename, module) {
  const { begin, content, end } = section(bytes, IMPORTS);
  const reader = new Reader(bytes, content);
  const count = reader.number();
  const parts = [encoded(count)];
  for (let index = 0; index < count; index++) {
    reader.text();
    parts.push(encodedText(module), encodedText(rename(reader.text())));
    const kind = reader.at++;
    // A function, which is named by its type: what the page's script gives is nothing else.
    if (bytes[kind] !== 0) throw new Error("an import that is no function");
    reader.number();
    parts.push(bytes.subarray(kind, reader.at));
  }
  const whole = Buffer.concat(parts);
  return Buffer.concat([bytes.subarray(0, begin), Buffer.from([IMPORTS]), encoded(whole.length), whole, bytes.subarray(end)]);
}

/** @param {number} value */
function encoded(value) {
  const bytes = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return Buffer.from([...bytes, value]);
}

/** @param {string} text */
function encodedText(text) {
  const bytes = Buffer.from(text);
  return Buffer.concat([encoded(bytes.length), bytes]);
}
