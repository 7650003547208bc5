test "every request is answered" {
    mockforge.pretend.config =
        \\{"status":418,"message":"short and stout"}
    ;
    const answer = try plugin.generate(
        \\{"context":{"method":"GET","uri":"/tea"},"request":{"method":"GET","path":"/tea"}}
    );
    const Answer = struct { status_code: u16, body: []const u8 };
    const read = try mockforge.read(Answer, answer);
    try std.testing.expectEqual(418, read.status_code);
    try expectEqualStrings(
        \\{"message":"short and stout","method":"GET","path":"/tea"}
    , try mockforge.unbase64(read.body));
    try expectEqualStrings("answering GET /tea", mockforge.pretend.logged);
}
