//! Archives that no honest writer makes, built byte by byte; torn and changed inputs; what was expected and what came.

use std::io::{self, Read, Write as _};

use mfp_model::digest::Sha256;
use mfp_store::{ArchiveFormat, Expected, ExpectedArtifact, StoreError};
use sha2::Digest as _;

use crate::support::*;

const YAML: (&str, &str) = ("plugin.yaml", "mfp: 1\n");
const WASM: (&str, &str) = ("plugin.wasm", "\0asm\x01\0\0\0");

/// A manifest, a module, and then this.
fn after(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut all = vec![member(YAML.0, YAML.1.as_bytes()), member(WASM.0, WASM.1.as_bytes())];
    all.extend_from_slice(parts);
    tar(&all)
}

fn long_name(data: &[u8]) -> Vec<u8> {
    Header::new("././@LongLink", b'L', data.len()).set(257, b"ustar  \0").with(data)
}

fn outcome_of_tar(bytes: &[u8]) -> &'static str {
    let fixture = Fixture::new();
    let gzip = code(fixture.ingest(&gzip(bytes), ArchiveFormat::TarGz));
    let zstd = code(fixture.ingest(&zstd(bytes), ArchiveFormat::TarZst));
    assert_eq!(gzip, zstd, "the compression makes no difference");
    assert!(fixture.traces().is_empty());
    gzip
}

#[test]
fn a_tar_has_one_meaning_or_none() {
    let x = |data: &[u8]| Header::new("PaxHeaders/x", b'x', data.len()).with(data);
    let g = |data: &[u8]| Header::new("pax_global_header", b'g', data.len()).with(data);
    let kind = |kind: u8| Header::new("odd", kind, 0).with(b"");
    let file = member("a.txt", b"hello");
    let mut padded = file.clone();
    *padded.last_mut().unwrap() = b'!';
    for (story, bytes, outcome) in [
        ("nothing odd", after(std::slice::from_ref(&file)), "accepted"),
        ("old type flag", after(&[Header::new("a", 0, 2).with(b"hi")]), "accepted"),
        ("./ and //", after(&[member("./docs//a.txt", b"x")]), "accepted"),
        ("./ itself", after(&[Header::new("./", b'5', 0).with(b"")]), "accepted"),
        ("a commit in a global header", [g(b"14 comment=ab\n"), after(&[])].concat(), "accepted"),
        ("a global header in the middle", after(&[g(b"14 comment=ab\n"), file.clone()]), "mfp::archive::differential"),
        ("a global size", [g(b"9 size=0\n"), after(&[])].concat(), "mfp::archive::differential"),
        ("a PAX size that agrees", after(&[pax(&[("size", "5")]), file.clone()]), "accepted"),
        ("a PAX size that doesn't", after(&[pax(&[("size", "6")]), file.clone()]), "mfp::archive::differential"),
        ("a PAX size for a folder", after(&[pax(&[("size", "512")]), Header::new("d/", b'5', 0).with(b"")]), "mfp::archive::differential"),
        ("a PAX path and a GNU long name", after(&[pax(&[("path", "b")]), long_name(b"c\0"), file.clone()]), "mfp::archive::differential"),
        ("the other way round", after(&[long_name(b"c\0"), pax(&[("path", "b")]), file.clone()]), "mfp::archive::differential"),
        ("two long names", after(&[long_name(b"c\0"), long_name(b"d\0"), file.clone()]), "mfp::archive::differential"),
        ("a long name without its end", after(&[long_name(b"c"), file.clone()]), "mfp::archive::differential"),
        ("a long name with two ends", after(&[long_name(b"c\0d\0"), file.clone()]), "mfp::archive::name"),
        ("an empty long name", after(&[long_name(b"\0"), file.clone()]), "mfp::archive::name"),
        (
            "a long name and a prefix",
            after(&[long_name(b"c\0"), Header::new("a", b'0', 0).set(345, b"x").with(b"")]),
            "mfp::archive::differential",
        ),
        ("a long name at the end", after(&[long_name(b"c\0")]), "mfp::archive::differential"),
        ("an empty PAX header", after(&[x(b""), file.clone()]), "accepted"),
        ("what bsdtar notes", after(&[pax(&[("SCHILY.dev", "1"), ("SCHILY.ino", "2"), ("SCHILY.nlink", "1")]), file.clone()]), "accepted"),
        ("a PAX key twice", after(&[x(b"9 path=b\n9 path=c\n"), file.clone()]), "mfp::archive::differential"),
        ("a PAX link", after(&[pax(&[("linkpath", "/etc/passwd")]), file.clone()]), "mfp::archive::link"),
        ("a PAX sparse file", after(&[pax(&[("GNU.sparse.name", "b")]), file.clone()]), "mfp::archive::special"),
        ("a PAX character set", after(&[pax(&[("hdrcharset", "BINARY")]), file.clone()]), "mfp::archive::differential"),
        ("a PAX path that leaves", after(&[pax(&[("path", "../b")]), file.clone()]), "mfp::archive::path"),
        ("a long link name", after(&[Header::new("././@LongLink", b'K', 2).with(b"c\0"), file.clone()]), "mfp::archive::link"),
        ("a link with data", after(&[Header::new("l", b'2', 5).with(b"hello")]), "mfp::archive::link"),
        ("a link that nothing uses", after(&[Header::new("l", b'2', 0).set(157, b"plugin.yaml").with(b"")]), "mfp::archive::link"),
        ("a file with a link's name", after(&[Header::new("l", b'0', 0).set(157, b"plugin.yaml").with(b"")]), "mfp::archive::differential"),
        ("a device", after(&[kind(b'3')]), "mfp::archive::special"),
        ("a FIFO", after(&[kind(b'6')]), "mfp::archive::special"),
        ("a GNU sparse file", after(&[kind(b'S')]), "mfp::archive::special"),
        ("a GNU dump folder", after(&[kind(b'D')]), "mfp::archive::special"),
        ("a volume label", after(&[kind(b'V')]), "mfp::archive::special"),
        ("a Solaris header", after(&[kind(b'X')]), "mfp::archive::special"),
        ("a folder with data", after(&[Header::new("d/", b'5', 5).with(b"hello")]), "mfp::archive::differential"),
        ("a file named like a folder", after(&[Header::new("d/", b'0', 5).with(b"hello")]), "mfp::archive::differential"),
        ("a folder and a file", after(&[Header::new("a.txt/", b'5', 0).with(b""), file.clone()]), "mfp::archive::name"),
        ("more after a name's end", after(&[Header::new("a\0b", b'0', 0).with(b"")]), "mfp::archive::differential"),
        ("more after a prefix's end", after(&[Header::new("a", b'0', 0).set(345, b"x\0y").with(b"")]), "mfp::archive::differential"),
        (
            "a prefix in a GNU header",
            after(&[Header::new("a", b'0', 0).set(257, b"ustar  \0").set(345, b"x").with(b"")]),
            "mfp::archive::differential",
        ),
        ("a prefix that leaves", after(&[Header::new("a", b'0', 0).set(345, b"..").with(b"")]), "mfp::archive::path"),
        ("an absolute prefix", after(&[Header::new("a", b'0', 0).set(345, b"/etc").with(b"")]), "mfp::archive::path"),
        ("a prefix and no name", after(&[Header::new("", b'0', 0).set(345, b"x").with(b"")]), "mfp::archive::differential"),
        ("a file whose name ends with a dot for itself", after(&[member("a/.", b"x")]), "mfp::archive::name"),
        ("the same in a long name", after(&[pax(&[("path", "a/.")]), file.clone()]), "mfp::archive::name"),
        ("spaces before a size", after(&[Header::new("a", b'0', 2).set(124, b"         2 \0").with(b"hi")]), "accepted"),
        (
            "a size with a number after its end",
            after(&[Header::new("a", b'0', 2).set(124, b"2\x0000000000\0\0").with(b"hi")]),
            "mfp::archive::corrupt",
        ),
        ("a size with a tab", after(&[Header::new("a", b'0', 2).set(124, b"\t0000000002\0").with(b"hi")]), "mfp::archive::corrupt"),
        ("a hexadecimal size", after(&[Header::new("a", b'0', 2).set(124, b"0x000000002\0").with(b"hi")]), "mfp::archive::corrupt"),
        ("a tail that star reads", after(&[Header::new("a", b'0', 0).set(508, b"tar\0").with(b"")]), "mfp::archive::differential"),
        ("no magic", after(&[Header::new("a", b'0', 0).set(257, &[0; 8]).with(b"")]), "mfp::archive::corrupt"),
        ("a half magic", after(&[Header::new("a", b'0', 0).set(257, b"ustar\0\0\0").with(b"")]), "mfp::archive::corrupt"),
        ("no size", after(&[Header::new("a", b'0', 0).set(124, &[0; 12]).with(b"")]), "mfp::archive::corrupt"),
        ("a negative size", after(&[Header::new("a", b'0', 0).set(124, b"-0000000001\0").with(b"")]), "mfp::archive::corrupt"),
        ("a base-256 size", after(&[Header::new("a", b'0', 0).set(124, b"\x80\0\0\0\0\0\0\0\0\0\0\0").with(b"")]), "mfp::archive::corrupt"),
        ("data in the padding", after(&[padded]), "mfp::archive::differential"),
        ("one zero block in the middle", after(&[vec![0; 512], file.clone()]), "mfp::archive::differential"),
        ("another tar after the end", [after(&[]), after(&[])].concat(), "mfp::archive::differential"),
        ("a byte after the end", [after(&[]), b"\0\0x".to_vec()].concat(), "mfp::archive::differential"),
        ("zeros after the end", [after(&[]), vec![0; 10_240]].concat(), "accepted"),
        ("one zero block at the end", after(&[])[..after(&[]).len() - 512].to_vec(), "mfp::archive::corrupt"),
        ("no zero block at the end", after(&[])[..after(&[]).len() - 1024].to_vec(), "mfp::archive::corrupt"),
        ("nothing", Vec::new(), "mfp::archive::corrupt"),
        ("no member", tar(&[]), "accepted"),
    ] {
        assert_eq!(outcome_of_tar(&bytes), outcome, "{story}");
    }
}

#[test]
fn a_checksum_is_compared() {
    let mut bytes = after(&[member("a", b"")]);
    let at = bytes.len() - 1024 - 512;
    bytes[at] = b'b';
    assert_eq!(outcome_of_tar(&bytes), "mfp::archive::corrupt");
}

/// Some old programs add up signed bytes. What only they would read isn't read here, and what both read is.
#[test]
fn a_checksum_is_a_sum_of_unsigned_bytes() {
    let header = |signed: bool| {
        let mut bytes = Header::new("caf\u{e9}", b'0', 0).with(b"");
        bytes[148..156].copy_from_slice(b"        ");
        let sum: i64 = bytes[..512].iter().map(|byte| if signed { i64::from(byte.cast_signed()) } else { i64::from(*byte) }).sum();
        bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        bytes
    };
    assert_eq!(outcome_of_tar(&after(&[header(false)])), "accepted");
    assert_eq!(outcome_of_tar(&after(&[header(true)])), "mfp::archive::corrupt");
}

/// Thousands of records fit into a header and thousands of headers into an archive: the time must be a sum and not a product.
#[test]
fn many_large_pax_headers_take_no_time() {
    let time = |keys: usize, headers: usize| {
        let records: Vec<String> = (0..keys).map(|number| format!("SCHILY.xattr.{number}")).collect();
        let header = pax(&records.iter().map(|key| (key.as_str(), "v")).collect::<Vec<_>>());
        let parts: Vec<Vec<u8>> = (0..headers).flat_map(|number| [header.clone(), member(&format!("f{number}"), b"")]).collect();
        let archive = zstd(&after(&parts));
        let begun = std::time::Instant::now();
        assert_eq!(code(Fixture::new().ingest(&archive, ArchiveFormat::TarZst)), "accepted");
        begun.elapsed()
    };
    // Three times as many records. Another process may have the machine for a while, but not twice.
    let is_a_sum = || time(2500, 400) < time(100, 3000) * 5 + std::time::Duration::from_secs(1);
    assert!((0..2).any(|_| is_a_sum()), "the time grows with the square of the records");
}

#[test]
fn a_container_holds_one_thing_and_nothing_else() {
    let fixture = Fixture::new();
    let tar = after(&[]);
    let skippable = [&b"\x50\x2a\x4d\x18\x04\0\0\0"[..], b"data"].concat();
    for (story, bytes, format, outcome) in [
        ("gzip, then a byte", [gzip(&tar), vec![0]].concat(), ArchiveFormat::TarGz, "mfp::archive::differential"),
        ("two gzip members", [gzip(&tar), gzip(&tar)].concat(), ArchiveFormat::TarGz, "mfp::archive::differential"),
        ("a tar in two gzip members", [gzip(&tar[..1024]), gzip(&tar[1024..])].concat(), ArchiveFormat::TarGz, "mfp::archive::corrupt"),
        ("zstd, then a byte", [zstd(&tar), vec![0]].concat(), ArchiveFormat::TarZst, "mfp::archive::differential"),
        ("two zstd frames", [zstd(&tar), zstd(&tar)].concat(), ArchiveFormat::TarZst, "mfp::archive::differential"),
        ("a tar in two zstd frames", [zstd(&tar[..1024]), zstd(&tar[1024..])].concat(), ArchiveFormat::TarZst, "mfp::archive::corrupt"),
        ("a skippable frame before", [skippable.clone(), zstd(&tar)].concat(), ArchiveFormat::TarZst, "mfp::archive::differential"),
        ("a skippable frame after", [zstd(&tar), skippable].concat(), ArchiveFormat::TarZst, "mfp::archive::differential"),
        ("gzip under zstd's name", gzip(&tar), ArchiveFormat::TarZst, "mfp::archive::corrupt"),
        ("zstd under gzip's name", zstd(&tar), ArchiveFormat::TarGz, "mfp::archive::corrupt"),
        ("a bare tar", tar.clone(), ArchiveFormat::TarGz, "mfp::archive::corrupt"),
        ("wasm", b"\0asm\x01\0\0\0".to_vec(), ArchiveFormat::Wasm, "accepted"),
        ("ELF under wasm's name", b"\x7fELF\x02\x01\x01\0".to_vec(), ArchiveFormat::Wasm, "mfp::archive::corrupt"),
        ("no wasm", Vec::new(), ArchiveFormat::Wasm, "mfp::archive::corrupt"),
    ] {
        assert_eq!(code(fixture.ingest(&bytes, format)), outcome, "{story}");
        assert!(fixture.traces().is_empty(), "{story}");
    }
}

/// What a container says about itself is compared: checksums, sizes, flags, methods.
#[test]
fn what_a_container_says_of_itself_is_true() {
    let fixture = Fixture::new();
    let tar = after(&[]);
    let plain = gzip(&tar);
    // The same member under another header: its flags, and what they announce.
    let member = |flags: u8, more: &[u8]| [&plain[..3], &[flags], &plain[4..10], more, &plain[10..]].concat();
    let header_crc = |flags: u8, wrong: u8| {
        let header = [&plain[..3], &[flags], &plain[4..10]].concat();
        let crc = crc32fast::hash(&header).to_le_bytes();
        member(flags, &[crc[0] ^ wrong, crc[1]])
    };
    let changed = |bytes: &[u8], from_end: usize| {
        let mut bytes = bytes.to_vec();
        let at = bytes.len() - from_end;
        bytes[at] ^= 1;
        bytes
    };
    let mut checked = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
    checked.include_checksum(true).unwrap();
    checked.write_all(&tar).unwrap();
    let checked = checked.finish().unwrap();
    let sized = zstd(&tar);
    let corrupt = "mfp::archive::corrupt";
    let (gz, zst) = (ArchiveFormat::TarGz, ArchiveFormat::TarZst);
    for (story, bytes, format, outcome) in [
        ("a name, a comment and an extra field", member(0x1c, b"\x03\0abcname\0comment\0"), gz, "accepted"),
        ("said to be text", member(1, b""), gz, "accepted"),
        ("the header's checksum", header_crc(2, 0), gz, "accepted"),
        ("a wrong checksum of the header", header_crc(2, 1), gz, corrupt),
        ("a flag that's reserved", member(0x20, b""), gz, corrupt),
        ("another one", member(0x80, b""), gz, corrupt),
        ("an extra field that's longer than the file", member(4, b"\xff\xff"), gz, corrupt),
        ("a name without an end", [&plain[..3], &[8], &plain[4..10], &vec![b'x'; 100_000]].concat(), gz, corrupt),
        ("another method", [&plain[..2], &[7], &plain[3..]].concat(), gz, corrupt),
        ("a wrong checksum", changed(&plain, 8), gz, corrupt),
        ("a wrong size", changed(&plain, 1), gz, corrupt),
        ("a checksum", checked.clone(), zst, "accepted"),
        ("another wrong checksum", changed(&checked, 1), zst, corrupt),
        ("another size than it has", [&sized[..5], &[sized[5] ^ 1], &sized[6..]].concat(), zst, corrupt),
        ("a frame of an older zstd", [&[0x27][..], &sized[1..]].concat(), zst, corrupt),
    ] {
        assert_eq!(code(fixture.ingest(&bytes, format)), outcome, "{story}");
        assert!(fixture.traces().is_empty(), "{story}");
    }
}

/// A zip of a manifest and this member.
fn zip_after(member: ZipMember) -> Vec<u8> {
    zip(&[ZipMember::deflated(YAML.0, YAML.1.as_bytes()), member])
}

/// A zip in whose last stored member stands a record that's a whole end too, with the rest of the file for its comment.
fn two_ends() -> Vec<u8> {
    let mut end = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    let at = |end: &[u8]| zip_after(ZipMember::stored("a.bin", end));
    let bytes = at(&end);
    let start = bytes.windows(4).position(|window| window == b"PK\x05\x06").unwrap();
    let comment = u16::try_from(bytes.len() - start - end.len()).unwrap();
    end[20..].copy_from_slice(&comment.to_le_bytes());
    at(&end)
}

/// A zip whose last entry says that it begins where the first does.
fn pointing_elsewhere() -> Vec<u8> {
    let mut bytes = zip(&[ZipMember::stored("a", b"x"), ZipMember::stored("b", b"x")]);
    let entry = bytes.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    bytes[entry + 42..entry + 46].fill(0);
    bytes
}

/// A zip whose last entry ends with the records of zip64 that Python's reader believes wherever it sees them: it would find the
/// files of another directory.
fn end_of_zip64() -> Vec<u8> {
    let mut records = b"PK\x06\x06\x2c\0\0\0\0\0\0\0".to_vec();
    records.resize(56, 0);
    records.extend(b"PK\x06\x07\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0");
    let length = u16::try_from(records.len()).unwrap().to_le_bytes();
    let mut member = ZipMember::deflated("a.txt", b"hello");
    member.extra = [&b"\xfe\xca"[..], &length, &records].concat();
    zip_after(member)
}

#[test]
fn a_zip_has_one_meaning_or_none() {
    let file = || ZipMember::deflated("a.txt", b"hello, hello, hello");
    let with = |change: &dyn Fn(&mut ZipMember)| {
        let mut member = file();
        change(&mut member);
        zip_after(member)
    };
    let mode = |mode: u32| move |member: &mut ZipMember| member.attributes = mode << 16;
    let extra = |bytes: &'static [u8]| move |member: &mut ZipMember| member.extra = bytes.to_vec();
    let local_extra = |bytes: &'static [u8]| move |member: &mut ZipMember| member.local_extra = bytes.to_vec();
    let special = "mfp::archive::special";
    let differential = "mfp::archive::differential";
    for (story, bytes, outcome) in [
        ("deflated", with(&|_| ()), "accepted"),
        ("stored", zip_after(ZipMember::stored("a", b"x")), "accepted"),
        ("deferred", zip_after(file().deferred()), "accepted"),
        ("UTF-8", zip_after(ZipMember::deflated("café", b"x")), "accepted"),
        ("a folder", zip_after(ZipMember { attributes: 0x10 | 0o040_755 << 16, ..ZipMember::stored("d/", b"") }), "accepted"),
        ("a time", with(&extra(b"UT\x05\0\x01\0\0\0\0")), "accepted"),
        ("a commit as the comment", zip_with_comment(&[file()], b"0123456789abcdef"), "accepted"),
        ("no member", zip(&[]), "accepted"),
        ("stored and deferred", zip_after(ZipMember::stored("a", b"x").deferred()), differential),
        (
            "a descriptor without its signature",
            with(&|member| {
                *member = file().deferred();
                member.gap.drain(..4);
            }),
            differential,
        ),
        (
            "a descriptor that lies",
            with(&|member| {
                *member = file().deferred();
                *member.gap.last_mut().unwrap() ^= 1;
            }),
            differential,
        ),
        ("two names", with(&|member| member.local_name = Some(b"b.txt".to_vec())), differential),
        ("a unicode name beside the name", with(&extra(b"up\x06\0\x01\0\0\0\0b")), differential),
        ("the same in the local header only", with(&local_extra(b"up\x06\0\x01\0\0\0\0b")), differential),
        ("zip64", with(&extra(b"\x01\0\x08\0\0\0\0\0\0\0\0\0")), differential),
        ("owners", with(&extra(b"ux\x0b\0\x01\x04\x01\0\0\0\x04\x01\0\0\0")), "accepted"),
        ("owners and more", with(&extra(b"ux\x0c\0\x01\x04\x01\0\0\0\x04\x01\0\0\0x")), differential),
        ("times of NTFS", with(&extra(b"\x0a\0\x20\0\0\0\0\0\x01\0\x18\0aaaaaaaabbbbbbbbcccccccc")), "accepted"),
        (
            "times of NTFS with a record in them",
            with(&extra(b"\x0a\0\x20\0\0\0\0\0\x01\0\x18\0aaaaPK\x06\x07bbbbbbbbcccccccc")),
            differential,
        ),
        ("made by Java", with(&local_extra(b"\xfe\xca\0\0")), "accepted"),
        ("made by Java, with room for more", with(&extra(b"\xfe\xca\x04\0more")), differential),
        ("aligned", with(&local_extra(b"\x35\xd9\x06\0\x04\0\0\0\0\0")), "accepted"),
        ("aligned with something", with(&local_extra(b"\x35\xd9\x06\0\x04\0\0\0x\0")), differential),
        ("half an extra field", with(&extra(b"UT\x05\0\x01")), differential),
        ("a Unix extra field with a link", with(&extra(b"nu\x04\0\0\0\0\0")), special),
        ("AES", with(&extra(b"\x01\x99\x07\0\x02\0AE\x03\x08\0")), special),
        ("encrypted", with(&|member| member.flags |= 1), special),
        ("patched data", with(&|member| member.flags |= 1 << 5), special),
        ("a masked header", with(&|member| member.flags |= 1 << 13), special),
        ("deflate64", with(&|member| member.method = 9), special),
        ("zstd in a zip", with(&|member| member.method = 93), special),
        ("a link", with(&mode(0o120_777)), "mfp::archive::link"),
        ("a FIFO", with(&mode(0o010_644)), special),
        ("a socket", with(&mode(0o140_644)), special),
        ("a setuid bit", with(&mode(0o104_755)), "accepted"),
        ("a file with a folder's mode", with(&mode(0o040_755)), differential),
        ("a folder with a file's mode", zip_after(ZipMember::stored("d/", b"")), differential),
        ("a file with a folder's attribute", with(&|member| member.attributes |= 0x10), differential),
        ("a volume label", with(&|member| member.attributes = 8), special),
        ("a folder with data", zip_after(ZipMember { attributes: 0, ..ZipMember::stored("d/", b"x") }), differential),
        ("a gap after a member", with(&|member| member.gap = b"gap".to_vec()), differential),
        ("data after deflate's end", with(&|member| member.data.push(0)), differential),
        ("deflate cut short", with(&|member| member.data.truncate(member.data.len() - 1)), "mfp::archive::corrupt"),
        ("no deflate", with(&|member| member.data = vec![0xff; 9]), "mfp::archive::corrupt"),
        ("a wrong checksum", with(&|member| member.crc ^= 1), "mfp::archive::corrupt"),
        ("a size too small", with(&|member| member.size -= 1), differential),
        ("a size too large", with(&|member| member.size += 1), differential),
        ("a size beyond all limits", with(&|member| member.size = u32::MAX - 1), differential),
        ("a stored size that lies", with(&|member| (member.method, member.size) = (0, 4)), differential),
        ("a comment that isn't text", zip_with_comment(&[file()], b"\x01"), differential),
        ("an end in the comment", zip_with_comment(&[file()], b"PK\x05\x06"), "mfp::archive::corrupt"),
        ("two ends", two_ends(), differential),
        ("an entry that points at another member", pointing_elsewhere(), differential),
        ("the end of another zip inside, which is stored", zip_after(ZipMember::stored("inner.zip", &zip(&[file()]))), "accepted"),
        ("the end of zip64 inside the directory", end_of_zip64(), differential),
        ("trailing data", [zip_after(file()), b"x".to_vec()].concat(), differential),
        ("prepended data", [b"x".to_vec(), zip_after(file())].concat(), differential),
        ("a zip after a zip", [zip_after(file()), zip(&[file()])].concat(), differential),
        ("another case", zip(&[ZipMember::stored("A", b""), ZipMember::stored("a", b"")]), "mfp::archive::duplicate"),
        ("high bytes", with(&|member| member.name = b"caf\x82".to_vec()), "mfp::archive::name"),
        ("UTF-8 without saying so", zip_after(ZipMember { flags: 0, ..ZipMember::deflated("café", b"x") }), "mfp::archive::name"),
        ("a name that leaves", with(&|member| member.name = b"../a".to_vec()), "mfp::archive::path"),
        ("no zip", b"hello".to_vec(), "mfp::archive::corrupt"),
        ("nothing", Vec::new(), "mfp::archive::corrupt"),
    ] {
        let fixture = Fixture::new();
        assert_eq!(code(fixture.ingest(&bytes, ArchiveFormat::Zip)), outcome, "{story}");
        assert!(fixture.traces().is_empty(), "{story}");
    }
}

#[test]
fn one_common_folder_is_stripped_and_the_signature_is_beside() {
    let fixture = Fixture::new();
    let plain = fixture.ingest(&gzip(&tar_of(&[YAML, ("docs/a", "x")])), ArchiveFormat::TarGz).unwrap();
    let wrapped = [("top-1.0/docs/a", "x"), ("top-1.0/plugin.yaml", YAML.1), ("top-1.0/plugin.minisig", "sig")];
    let wrapped = fixture.ingest(&gzip(&tar_of(&wrapped)), ArchiveFormat::TarGz).unwrap();
    assert_eq!(wrapped.content(), plain.content());
    assert_eq!((wrapped.signature(), wrapped.manifest()), (Some("sig"), Some(YAML.1.as_bytes())));
    assert_eq!(snapshot(&wrapped.files_path()).into_keys().collect::<Vec<_>>(), ["docs/", "docs/a", "plugin.yaml"]);
    assert_eq!(wrapped.read("docs/a").unwrap(), b"x");

    let twice = fixture.ingest(&gzip(&tar_of(&[("a/b/plugin.yaml", "x")])), ArchiveFormat::TarGz).unwrap();
    assert!(twice.listing().get("b/plugin.yaml").is_some() && twice.manifest().is_none(), "one folder, not two");
    let beside = fixture.ingest(&gzip(&tar_of(&[("a/plugin.yaml", "x"), ("plugin.minisig", "s")])), ArchiveFormat::TarGz).unwrap();
    assert!(beside.listing().get("a/plugin.yaml").is_some(), "the signature is a file at the root too");
    assert_eq!((beside.signature(), beside.manifest()), (Some("s"), None));
    // The order of members makes no difference.
    let files = [("a/x", "x"), YAML, ("plugin.minisig", "s"), ("a/plugin.yaml", "no"), ("a/plugin.minisig", "no")];
    let between = fixture.ingest(&gzip(&tar_of(&files)), ArchiveFormat::TarGz).unwrap();
    assert_eq!((between.signature(), between.manifest()), (Some("s"), Some(YAML.1.as_bytes())));
    let inner = fixture.ingest(&gzip(&tar_of(&[YAML, ("a/plugin.minisig", "s"), ("a/plugin.yaml", "no")])), ArchiveFormat::TarGz).unwrap();
    assert!(inner.signature().is_none() && inner.listing().get("a/plugin.minisig").is_some());
    assert_eq!(inner.manifest(), Some(YAML.1.as_bytes()));
    let large = "#".repeat((1 << 20) + 1);
    let large = fixture.ingest(&gzip(&tar_of(&[("plugin.yaml", large)])), ArchiveFormat::TarGz).unwrap();
    assert!(large.manifest().is_none() && large.listing().get("plugin.yaml").is_some(), "too large to be kept in memory");
    let files = snapshot(fixture.folder.path()).len();
    assert!(files < 60, "{files}");
}

#[test]
fn a_signature_that_is_no_text_is_refused() {
    let fixture = Fixture::new();
    let bytes = gzip(&tar(&[member("plugin.minisig", b"\xff\xfe")]));
    assert_eq!(code(fixture.ingest(&bytes, ArchiveFormat::TarGz)), "mfp::archive::corrupt");
    let bytes = gzip(&tar_of(&[("plugin.minisig", "x".repeat(20 << 10))]));
    assert_eq!(code(fixture.ingest(&bytes, ArchiveFormat::TarGz)), "mfp::archive::limit");
}

/// A small package in each format that's a container.
fn packages() -> Vec<(Vec<u8>, ArchiveFormat)> {
    let files = [YAML, WASM, ("docs/a.txt", "hello")];
    let tar = tar_of(&files);
    let zip = zip(&files.map(|(name, data)| ZipMember::deflated(name, data.as_bytes())));
    vec![(gzip(&tar), ArchiveFormat::TarGz), (zstd(&tar), ArchiveFormat::TarZst), (zip, ArchiveFormat::Zip)]
}

#[test]
fn a_package_cut_anywhere_is_no_package() {
    let fixture = Fixture::new();
    for (bytes, format) in packages() {
        assert!(fixture.ingest(&bytes, format).is_ok());
        for end in 0..bytes.len() {
            assert_eq!(code(fixture.ingest(&bytes[..end], format)), "mfp::archive::corrupt", "{format} cut at {end}");
        }
    }
    assert!(fixture.traces().is_empty());
}

#[test]
fn a_package_with_one_byte_changed_is_the_same_or_refused() {
    let fixture = Fixture::new();
    for (bytes, format) in packages() {
        let content = fixture.ingest(&bytes, format).unwrap().content();
        let locked = Expected::Locked { content, artifact: None };
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x11;
            // Times and the like may change; the content can't.
            if let Ok(tree) = fixture.store.ingest_archive(&changed[..], format, &locked) {
                assert_eq!(tree.content(), content);
            }
        }
    }
    assert!(fixture.traces().is_empty());
}

/// Gives some bytes and then an error.
struct Broken<'a>(&'a [u8]);

impl Read for Broken<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("the cable was pulled")),
            count => Ok(count),
        }
    }
}

#[test]
fn a_source_that_breaks_off_anywhere_is_to_blame_and_leaves_nothing() {
    let fixture = Fixture::new();
    for (bytes, format) in packages() {
        let sha256 = Sha256::from_hash([7; 32]);
        let expecting = Expected::Artifact(ExpectedArtifact { sha256, size: None });
        for end in 0..bytes.len() {
            for expected in [Expected::FirstSight, expecting] {
                let error = fixture.store.ingest_archive(Broken(&bytes[..end]), format, &expected).unwrap_err();
                assert!(matches!(&error, StoreError::Source(source) if source.to_string().contains("cable")), "{format} at {end}: {error}");
            }
        }
    }
    assert!(fixture.traces().is_empty());
}

#[test]
fn a_source_that_gives_a_byte_at_a_time_or_is_interrupted_is_fine() {
    struct Slow<'a>(&'a [u8], bool);
    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 { Err(io::ErrorKind::Interrupted.into()) } else { self.0.read(&mut buffer[..1]) }
        }
    }
    let fixture = Fixture::new();
    for (bytes, format) in packages() {
        let tree = fixture.store.ingest_archive(Slow(&bytes, false), format, &Expected::FirstSight).unwrap();
        assert_eq!(tree.artifact().unwrap().size, bytes.len() as u64);
    }
}

fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256::from_hash(sha2::Sha256::digest(bytes).into())
}

#[test]
fn what_is_expected_is_compared_and_both_sides_are_shown() {
    let fixture = Fixture::new();
    let (bytes, format) = packages().remove(0);
    let size = bytes.len() as u64;
    let other = Sha256::from_hash([7; 32]);
    let content = fixture.ingest(&bytes, format).unwrap().content();
    let another = fixture.tree(&[("x", "y")]).content();
    let artifact = |sha256, size| Some(ExpectedArtifact { sha256, size });
    let right = artifact(sha256(&bytes), Some(size));
    for (expected, outcome) in [
        (Expected::FirstSight, "accepted"),
        (Expected::Artifact(right.unwrap()), "accepted"),
        (Expected::Locked { content, artifact: right }, "accepted"),
        (Expected::Locked { content, artifact: None }, "accepted"),
        (Expected::Locked { content: another, artifact: right }, "mfp::integrity::content"),
        (Expected::Locked { content, artifact: artifact(other, None) }, "mfp::integrity::sha256"),
        (Expected::Locked { content, artifact: artifact(sha256(&bytes), Some(size + 1)) }, "mfp::integrity::size"),
        (Expected::Locked { content, artifact: artifact(sha256(&bytes), Some(size - 1)) }, "mfp::integrity::size"),
        (Expected::Artifact(artifact(other, Some(size)).unwrap()), "mfp::integrity::sha256"),
    ] {
        let result = fixture.store.ingest_archive(&bytes[..], format, &expected);
        assert_eq!(result.as_ref().map_or_else(StoreError::code, |_| "accepted"), outcome, "{expected:?}");
        if let Err(error) = result {
            let digest = |digest: Option<String>| digest.is_none_or(|digest| error.to_string().contains(&digest));
            assert_eq!(error.exit_code(), 4);
            assert!(outcome != "mfp::integrity::sha256" || digest(Some(other.to_string())), "{error}");
            assert!(outcome != "mfp::integrity::content" || digest(Some(content.to_string())), "{error}");
        }
    }
    assert!(fixture.traces().is_empty());
}

#[test]
fn other_bytes_than_expected_are_called_so_even_if_they_are_no_archive() {
    let fixture = Fixture::new();
    let page = b"<html>please log in</html>".repeat(40_000);
    let expected = Expected::Artifact(ExpectedArtifact { sha256: Sha256::from_hash([7; 32]), size: None });
    let error = fixture.store.ingest_archive(&page[..], ArchiveFormat::TarGz, &expected).unwrap_err();
    assert_eq!(error.code(), "mfp::integrity::sha256");
    assert!(error.to_string().contains(&sha256(&page).to_string()), "the digest is that of all bytes: {error}");
    let hostile = gzip(&after(&[member("../a", b"")]));
    let honest = Expected::Artifact(ExpectedArtifact { sha256: sha256(&hostile), size: Some(hostile.len() as u64) });
    assert_eq!(code(fixture.store.ingest_archive(&hostile[..], ArchiveFormat::TarGz, &honest)), "mfp::archive::path");
}

#[test]
fn an_endless_source_is_stopped() {
    let fixture = Fixture::new();
    for format in [ArchiveFormat::Wasm, ArchiveFormat::Zip] {
        let endless = (&b"\0asm"[..]).chain(io::repeat(0));
        assert_eq!(code(fixture.store.ingest_archive(endless, format, &Expected::FirstSight)), "mfp::archive::limit", "{format}");
    }
    let expected = Expected::Artifact(ExpectedArtifact { sha256: Sha256::from_hash([7; 32]), size: Some(100) });
    let endless = (&b"\0asm"[..]).chain(io::repeat(0));
    assert_eq!(code(fixture.store.ingest_archive(endless, ArchiveFormat::Wasm, &expected)), "mfp::integrity::size");
    assert!(fixture.traces().is_empty());
}
