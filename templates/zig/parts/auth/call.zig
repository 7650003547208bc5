pub fn authenticate(text: []const u8) Error![]const u8 {
    const Credentials = struct { type: []const u8, token: []const u8 = "" };
    const request = try mockforge.read(struct { context: Context, credentials: Credentials }, text);
    const config = try mockforge.config(Config);
    const user = config.tokens.map.get(request.credentials.token) orelse {
        try mockforge.log(.info, "nobody has this token", .{});
        return mockforge.write(.{ .authenticated = false, .user_id = "", .claims = mockforge.empty });
    };
    try mockforge.log(.info, "{s} is known", .{user});
    return mockforge.write(.{ .authenticated = true, .user_id = user, .claims = .{ .type = request.credentials.type } });
}
