test "people are greeted" {
    mockforge.pretend.config =
        \\{"greeting":"Servus"}
    ;
    const answer = try plugin.execute(
        \\{"function_name":"greet","args":["Ada"],"context":{}}
    );
    try expectEqualStrings("\"Servus, Ada!\"", answer);
    try expectEqualStrings("greeting Ada", mockforge.pretend.logged);
}

test "a name is needed" {
    const answer = plugin.execute(
        \\{"function_name":"greet","args":[],"context":{}}
    );
    try std.testing.expectError(error.Refused, answer);
    try expectEqualStrings("greet takes (name)", mockforge.refusal);
}
