pub fn functions(_: []const u8) Error![]const u8 {
    const Parameter = struct { name: []const u8, type: []const u8, required: bool, description: []const u8 };
    return mockforge.write(.{.{
        .name = "greet",
        .description = "Greets somebody",
        .parameters = [_]Parameter{.{ .name = "name", .type = "string", .required = true, .description = "Who it is" }},
        .return_type = "string",
    }});
}

pub fn execute(text: []const u8) Error![]const u8 {
    const request = try mockforge.read(struct { function_name: []const u8, args: []const mockforge.json.Value }, text);
    if (!std.mem.eql(u8, request.function_name, "greet")) {
        return mockforge.refuse("there's no function `{s}`", .{request.function_name});
    }
    if (request.args.len != 1 or request.args[0] != .string) return mockforge.refuse("greet takes (name)", .{});
    const name = request.args[0].string;
    const config = try mockforge.config(Config);
    try mockforge.log(.info, "greeting {s}", .{name});
    return mockforge.write(try std.fmt.allocPrint(mockforge.allocator, "{s}, {s}!", .{ config.greeting, name }));
}
