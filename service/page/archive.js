// Several documents as one zip archive, as it is: stored, not compressed. The service reads an archive as one collection.

/** @typedef {import("./answer.js").Source} Source */

const UTF8_NAMES = 0x0800;
const VERSION = 20;
const FIRST_DAY = 0x21; // 1 January 1980, in the format's own way: when the files were made is nobody's business
const LOCAL_SIZE = 30;
const ENTRY_SIZE = 46;
const END_SIZE = 22;

/**
 * @param {Source[]} sources
 * @param {string} name of the archive
 * @returns {Promise<Source>}
 */
export async function archived(sources, name) {
  /** @type {BlobPart[]} */
  const contents = [];
  /** @type {BlobPart[]} */
  const directory = [];
  let offset = 0;
  let directorySize = 0;
  const names = distinct(sources.map(nameOf));
  for (const [place, source] of sources.entries()) {
    const content = source.kind === "file" ? new Uint8Array(await source.file.arrayBuffer()) : new TextEncoder().encode(source.text);
    const written = new TextEncoder().encode(names[place]);
    const shared = [VERSION, UTF8_NAMES, 0, 0, FIRST_DAY];
    const local = record(LOCAL_SIZE, 0x04034b50, shared, [crc32(content), content.length, content.length], [written.length, 0]);
    const entry = record(ENTRY_SIZE, 0x02014b50, [VERSION, ...shared], [crc32(content), content.length, content.length], [written.length, 0, 0, 0, 0], [0, offset]);
    contents.push(local, written, content);
    directory.push(entry, written);
    offset += local.length + written.length + content.length;
    directorySize += entry.length + written.length;
  }
  const end = record(END_SIZE, 0x06054b50, [0, 0, sources.length, sources.length], [directorySize, offset], [0]);
  return { kind: "file", name, file: new File([...contents, ...directory, end], name, { type: "application/zip" }) };
}

/** @param {Source} source */
function nameOf({ kind, name }) {
  const safe = name.replace(/[\\/:*?"<>|\u0000-\u001f\u007f]/g, "_");
  return kind === "text" ? `${safe}.txt` : safe;
}

/**
 * @param {string[]} names
 * @returns {string[]} with a number in those that were there before
 */
function distinct(names) {
  /** @type {Set<string>} */
  const taken = new Set();
  return names.map((name) => {
    let free = name;
    for (let number = 2; taken.has(free); number += 1) free = name.replace(/(\.[^.]*)?$/, ` (${number})$1`);
    taken.add(free);
    return free;
  });
}

/**
 * A record of the format: its signature, then in turn groups of numbers of two and of four bytes, least byte first.
 * @param {number} size
 * @param {number} signature
 * @param {...number[]} groups
 */
function record(size, signature, ...groups) {
  const view = new DataView(new ArrayBuffer(size));
  view.setUint32(0, signature, true);
  let place = 4;
  groups.forEach((numbers, group) => {
    const width = group % 2 ? 4 : 2;
    for (const number of numbers) {
      if (width === 2) view.setUint16(place, number, true);
      else view.setUint32(place, number, true);
      place += width;
    }
  });
  return new Uint8Array(view.buffer);
}

const CRC = Uint32Array.from({ length: 256 }, (_unused, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = CRC[(value ^ byte) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}
