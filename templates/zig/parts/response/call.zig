pub fn generate(text: []const u8) Error![]const u8 {
    const Asked = struct { method: []const u8, path: []const u8 };
    const request = (try mockforge.read(struct { context: Context, request: Asked }, text)).request;
    const config = try mockforge.config(Config);
    try mockforge.log(.info, "answering {s} {s}", .{ request.method, request.path });
    const body = try mockforge.write(.{ .message = config.message, .method = request.method, .path = request.path });
    return mockforge.write(.{
        .status_code = config.status,
        .headers = mockforge.empty,
        .body = try mockforge.base64(body),
        .content_type = "application/json",
    });
}
