test "items are looked up by a part of their name" {
    mockforge.pretend.config = "{}";
    try expectEqualStrings(
        \\{"columns":[{"name":"id","data_type":"integer"},{"name":"name","data_type":"string"}],"rows":[{"id":2,"name":"banana"}]}
    , try plugin.query(
        \\{"query":{"query":"an"},"context":{"method":"GET","uri":"/"}}
    ));
    try expectEqualStrings("found 1", mockforge.pretend.logged);
}
