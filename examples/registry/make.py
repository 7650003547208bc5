#!/usr/bin/env python3
"""Makes the static registry `quickstart` from the example plugins.

    make.py [--plugins DIR] [--out DIR]

The same plugins give the same bytes on every machine: file times, owners and the order of folders play
no part, and the versions of the libraries are fixed in requirements.txt. Whatever is in OUT's `index/`
and `dl/` and isn't made here is removed, so OUT is always the whole truth.

It does in small what mfp's own `package` and `registry add` do for everybody: a tool for this folder only.
"""

import argparse
import hashlib
import json
import pathlib
import re
import shutil
import sys
import tarfile

import blake3
import yaml
import zstandard

HERE = pathlib.Path(__file__).resolve().parent

# Every release, in order of publication: the plugin's folder and when it was published.
RELEASES = [
    ("template-hash-1.0", "2026-09-01T09:00:00Z"),
    ("template-ids", "2026-09-01T10:00:00Z"),
    ("auth-hmac-token", "2026-09-02T09:00:00Z"),
    ("response-problem", "2026-09-02T10:00:00Z"),
    ("datasource-csv", "2026-09-03T09:00:00Z"),
    ("template-hash", "2026-09-15T09:00:00Z"),
    ("auth-jwt", "2026-11-26T09:00:00Z"),
    ("auth-jwks", "2026-11-26T09:05:00Z"),
    ("auth-basic", "2026-11-26T09:10:00Z"),
    ("template-crypto", "2026-11-26T09:15:00Z"),
    ("template-custom", "2026-11-26T09:20:00Z"),
    ("datasource-csv-1.1", "2026-11-26T09:25:00Z"),
    ("response-graphql", "2026-11-26T09:30:00Z"),
    ("datasource-csv-1.2", "2026-11-26T09:35:00Z"),
]

CONFIG = {
    "v": 1,
    "name": "quickstart",
    "dl": "dl/{name}/{version}/{file}",
    "search": "search.json",
    "auth-required": False,
}

ZSTANDARD = "0.25.0"
LEVEL = 19


def main():
    if zstandard.__version__ != ZSTANDARD:
        sys.exit(f"make.py: zstandard {ZSTANDARD} is needed, this is {zstandard.__version__}; see requirements.txt")
    arguments = argparse.ArgumentParser(description="Makes the static registry from the example plugins.")
    arguments.add_argument("--plugins", type=pathlib.Path, default=HERE.parent / "plugins")
    arguments.add_argument("--out", type=pathlib.Path, default=HERE)
    options = arguments.parse_args()
    for folder in ("index", "dl"):
        shutil.rmtree(options.out / folder, ignore_errors=True)
    lines = [release(options.plugins / folder, published, options.out) for folder, published in RELEASES]
    write_index(lines, options.out)
    write(options.out / "config.json", pretty(CONFIG))
    write(options.out / "search.json", pretty(search(lines)))


def release(folder, published, out):
    """Packs one plugin; returns its index line."""
    manifest = yaml.safe_load((folder / "plugin.yaml").read_text("utf-8"))
    plugin = manifest["plugin"]
    files = {path: (folder / path).read_bytes() for path in package_set(folder, plugin)}
    archive = compress(tar(files))
    name, version = plugin["id"], plugin["version"]
    file = f"{name}-{version}.tar.zst"
    write(out / "dl" / name / version / file, archive)
    line = {
        "v": 1,
        "name": name,
        "version": version,
        "types": plugin["types"],
        "description": plugin["description"],
        "license": plugin["license"],
        "deps": [
            {"name": dep["id"], "req": dep["version"], "optional": dep.get("optional", False)}
            for dep in manifest.get("dependencies", [])
        ],
        "mockforge": manifest["mockforge"],
        "file": file,
        "size": len(archive),
        "sha256": hashlib.sha256(archive).hexdigest(),
        "content": content(files),
        "published": published,
        "capabilities": capabilities(folder, manifest),
        "yanked": False,
        "author": plugin["author"],
        "keywords": plugin["keywords"],
        "unpacked": sum(map(len, files.values())),
    }
    return line


def capabilities(folder, manifest):
    """What the plugin asks for, in canonical form: of what can be asked, this script knows hosts and folders."""
    asked = manifest.get("capabilities", {})
    network, files = asked.get("network", {}), asked.get("filesystem", {})
    is_known = not (
        asked.keys() - {"network", "filesystem"}
        or network.keys() - {"allow_http_outbound", "allowed_hosts"}
        or files.keys() - {"allow_read", "allow_write", "allowed_paths"}
    )
    if not is_known:
        sys.exit(f"make.py: {folder.name} asks for capabilities whose canonical form this script can't write")
    canonical = {}
    for key, granted, among in [
        ("fs-read", files.get("allow_read"), files.get("allowed_paths")),
        ("fs-write", files.get("allow_write"), files.get("allowed_paths")),
        ("http", network.get("allow_http_outbound"), network.get("allowed_hosts")),
    ]:
        if granted and among:
            canonical[key] = sorted(among)
    return canonical


def package_set(folder, plugin):
    """The paths of a folder that make its package: manifest, entry, include, and the usual texts."""
    include = [pattern(text) for text in plugin.get("include", [])]
    usual = re.compile(r"(README|LICENSE|CHANGELOG)[^/]*")
    chosen = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        wanted = name in ("plugin.yaml", plugin["entry"]) or usual.fullmatch(name) or any(p.fullmatch(name) for p in include)
        if not wanted or path.is_dir():
            continue
        if path.is_symlink() or not path.is_file():
            sys.exit(f"make.py: {path} isn't a regular file")
        if not re.fullmatch(r"[A-Za-z0-9._/-]{1,100}", name):
            sys.exit(f"make.py: {path}: the examples keep to plain ASCII names")
        chosen.append(name)
    for needed in ("plugin.yaml", plugin["entry"]):
        if needed not in chosen:
            sys.exit(f"make.py: {folder}/{needed} isn't there; build it with build.sh")
    return sorted(chosen, key=str.encode)


def pattern(text):
    """An include pattern as a regular expression: `?`, `*`, and `**` for whole segments."""
    out = ""
    segments = text.split("/")
    for index, segment in enumerate(segments):
        last = index == len(segments) - 1
        if segment == "**":
            out += r"(?:[^/.][^/]*/)*[^/.][^/]*" if last else r"(?:[^/.][^/]*/)*"
            continue
        if segment[:1] in ("*", "?"):
            out += r"(?!\.)"
        out += "".join({"*": "[^/]*", "?": "[^/]"}.get(c, re.escape(c)) for c in segment)
        out += "" if last else "/"
    return re.compile(out)


def tar(files):
    """POSIX ustar with regular files only; two empty blocks at the end, no padding to records."""
    out = b""
    for path, data in files.items():
        info = tarfile.TarInfo(path)
        info.size, info.mode, info.mtime, info.uid, info.gid = len(data), 0o644, 0, 0, 0
        out += info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict") + data + bytes(-len(data) % 512)
    return out + bytes(1024)


def compress(data):
    """One zstd frame with its content size; one thread, no dictionary, no checksum."""
    return zstandard.ZstdCompressor(level=LEVEL, write_content_size=True, write_checksum=False).compress(data)


def content(files):
    """The content digest: BLAKE3 of the listing."""
    listing = "mockforge-content/v1\n"
    for path, data in sorted(files.items(), key=lambda item: item[0].encode()):
        listing += f"{blake3.blake3(data).hexdigest()} {len(data)} {path}\n"
    return "blake3:" + blake3.blake3(listing.encode()).hexdigest()


def write_index(lines, out):
    texts = {}
    for line in lines:
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
        texts[line["name"]] = texts.get(line["name"], "") + text + "\n"
    for name, text in texts.items():
        folder = f"{len(name)}" if len(name) < 3 else f"3/{name[0]}" if len(name) == 3 else f"{name[:2]}/{name[2:4]}"
        write(out / "index" / folder / name, text)


def search(lines):
    """One entry a plugin, of its newest release."""
    newest = {line["name"]: line for line in lines}
    keys = ("name", "version", "description", "types", "license", "keywords", "published")
    return [{key: newest[name][key] for key in keys} | {"downloads": 0} for name in sorted(newest)]


def pretty(value):
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


if __name__ == "__main__":
    main()
