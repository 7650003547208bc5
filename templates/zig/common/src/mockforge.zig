//! json/1 for Zig: memory, envelopes, what the host gives.
//!
//! Each call has a fresh instance of the module, so that nothing need be freed. In tests there's no host: they say what it gives, in
//! `pretend`.

const std = @import("std");
const builtin = @import("builtin");
pub const json = std.json;

pub const allocator = if (builtin.target.cpu.arch.isWasm()) std.heap.wasm_allocator else std.heap.page_allocator;

/// What can go wrong in a call. `Refused` is the plugin's own error: see `refuse`.
pub const Error = error{Refused} || json.ParseError(json.Scanner) || std.Io.Writer.Error;

/// The text of the plugin's own error.
pub var refusal: []const u8 = "";

/// The plugin's own error, with this text: `return mockforge.refuse("…", .{})`.
pub fn refuse(comptime format: []const u8, args: anytype) Error {
    refusal = try std.fmt.allocPrint(allocator, format, args);
    return error.Refused;
}

/// JSON text that's written as it is.
pub const Raw = struct {
    text: []const u8,

    pub fn jsonStringify(raw: Raw, out: anytype) !void {
        try out.print("{s}", .{raw.text});
    }
};

/// An object without members; `.{}` would be an empty list.
pub const empty: Raw = .{ .text = "{}" };

/// JSON as a `T`. A `json.Value` in it keeps numbers as the text that they were: no digit is lost.
pub fn read(T: type, text: []const u8) Error!T {
    return json.parseFromSliceLeaky(T, allocator, text, .{ .ignore_unknown_fields = true, .parse_numbers = false });
}

/// Any value as JSON text.
pub fn write(value: anytype) Error![]u8 {
    return json.Stringify.valueAlloc(allocator, value, .{});
}

/// Export a call of the protocol under its name: the handler gets the request and answers with JSON text.
pub fn exportCall(comptime name: []const u8, comptime handler: fn (request: []const u8) Error![]const u8) void {
    const Exported = struct {
        fn answer(at: [*]const u8, length: usize) callconv(.c) u64 {
            const answered = if (handler(at[0..length])) |result|
                write(.{ .success = true, .result = Raw{ .text = result } })
            else |err|
                write(.{ .success = false, .@"error" = if (err == error.Refused) refusal else @errorName(err) });
            // The host says `no answer` better than we could without memory.
            return pack(answered catch "");
        }
    };
    @export(&Exported.answer, .{ .name = name });
}

/// Export what each module has beside its calls.
pub fn exportAbi() void {
    @export(&abi.version, .{ .name = "mockforge_abi" });
    @export(&abi.alloc, .{ .name = "alloc" });
    @export(&abi.dealloc, .{ .name = "dealloc" });
}

const abi = struct {
    fn version() callconv(.c) i32 {
        return 1;
    }

    fn alloc(length: usize) callconv(.c) ?[*]u8 {
        const bytes = allocator.alloc(u8, @max(length, 1)) catch return null;
        return bytes.ptr;
    }

    fn dealloc(at: [*]u8, length: usize) callconv(.c) void {
        allocator.free(at[0..@max(length, 1)]);
    }
};

/// Pointer in the high half, length in the low.
fn pack(bytes: []const u8) u64 {
    return @as(u64, @intFromPtr(bytes.ptr)) << 32 | bytes.len;
}

fn unpack(packed_bytes: u64) []u8 {
    const at: [*]u8 = @ptrFromInt(@as(usize, @intCast(packed_bytes >> 32)));
    return at[0..@as(u32, @truncate(packed_bytes))];
}

const imports = struct {
    extern "mockforge" fn log(at: [*]const u8, length: usize) void;
    extern "mockforge" fn config() u64;
    extern "mockforge" fn now_ms() i64;
    extern "mockforge" fn random(at: [*]u8, length: usize) void;
    extern "mockforge" fn asset(at: [*]const u8, length: usize) u64;
    extern "mockforge" fn call(at: [*]const u8, length: usize) u64;
    extern "mockforge" fn http_request(at: [*]const u8, length: usize) u64;
};

/// What the host gives in tests.
pub const pretend = struct {
    pub var config: []const u8 = "{}";
    pub var now_ms: i64 = 1_767_225_600_000;
    /// What was logged last.
    pub var logged: []const u8 = "";
};

pub const Level = enum { trace, debug, info, warn, @"error" };

/// A line for the host's log.
pub fn log(level: Level, comptime format: []const u8, args: anytype) Error!void {
    const text = try std.fmt.allocPrint(allocator, format, args);
    if (builtin.is_test) {
        pretend.logged = text;
        return;
    }
    const line = try write(.{ .level = @tagName(level), .text = text });
    imports.log(line.ptr, line.len);
}

/// The configuration, which the host checked against the schema of plugin.yaml.
pub fn config(T: type) Error!T {
    return read(T, if (builtin.is_test) pretend.config else unpack(imports.config()));
}

/// Milliseconds since 1970.
pub fn nowMs() i64 {
    return if (builtin.is_test) pretend.now_ms else imports.now_ms();
}

/// So many random bytes. In tests they count up.
pub fn random(count: usize) Error![]u8 {
    const bytes = try allocator.alloc(u8, count);
    if (builtin.is_test) {
        for (bytes, 0..) |*byte, at| byte.* = @truncate(at);
    } else if (count > 0) {
        // An empty slice points nowhere, and the host wants even that inside the memory.
        imports.random(bytes.ptr, bytes.len);
    }
    return bytes;
}

/// A file of the package (`plugin.include`), by its path.
pub fn asset(path: []const u8) Error![]const u8 {
    return unbase64(try read([]const u8, try opened(imports.asset(path.ptr, path.len))));
}

/// What a dependency answers, as JSON. It's declared in plugin.yaml.
pub fn call(dependency: []const u8, name: []const u8, request: anytype) Error![]const u8 {
    const asked = try write(.{ .dependency = dependency, .call = name, .request = request });
    return opened(imports.call(asked.ptr, asked.len));
}

/// A response of a server. Its body is in base64.
pub const HttpResponse = struct { status: u16, headers: json.Value, body: []const u8 };

/// Ask a server: `.{ .method = "GET", .url = "https://…", .headers = mockforge.empty, .body = "<base64>" }`. Only hosts of plugin.yaml's
/// capabilities that were approved answer.
pub fn http(request: anytype) Error!HttpResponse {
    const asked = try write(request);
    return read(HttpResponse, try opened(imports.http_request(asked.ptr, asked.len)));
}

fn opened(answer: u64) Error![]const u8 {
    const Envelope = struct { success: bool, result: json.Value = .null, @"error": []const u8 = "" };
    const envelope = try read(Envelope, unpack(answer));
    return if (envelope.success) write(envelope.result) else refuse("{s}", .{envelope.@"error"});
}

/// Bytes in base64, as JSON has them.
pub fn base64(bytes: []const u8) Error![]const u8 {
    const encoder = std.base64.standard.Encoder;
    return encoder.encode(try allocator.alloc(u8, encoder.calcSize(bytes.len)), bytes);
}

/// The bytes that base64 means.
pub fn unbase64(text: []const u8) Error![]const u8 {
    const decoder = std.base64.standard.Decoder;
    const size = decoder.calcSizeForSlice(text) catch return refuse("that isn't base64", .{});
    const bytes = try allocator.alloc(u8, size);
    decoder.decode(bytes, text) catch return refuse("that isn't base64", .{});
    return bytes;
}
