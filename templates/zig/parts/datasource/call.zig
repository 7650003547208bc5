pub fn query(text: []const u8) Error![]const u8 {
    const Query = struct { query: []const u8 };
    const request = try mockforge.read(struct { query: Query, context: Context }, text);
    const config = try mockforge.config(Config);
    const Column = struct { name: []const u8, data_type: []const u8 };
    const Row = struct { id: usize, name: []const u8 };
    var rows: std.ArrayList(Row) = .empty;
    for (config.items, 1..) |name, id| {
        if (std.mem.indexOf(u8, name, request.query.query) != null) try rows.append(mockforge.allocator, .{ .id = id, .name = name });
    }
    try mockforge.log(.info, "found {d}", .{rows.items.len});
    return mockforge.write(.{
        .columns = [_]Column{ .{ .name = "id", .data_type = "integer" }, .{ .name = "name", .data_type = "string" } },
        .rows = rows.items,
    });
}
