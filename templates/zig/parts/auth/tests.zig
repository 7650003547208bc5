test "a known token is somebody's" {
    mockforge.pretend.config =
        \\{"tokens":{"a-token":"ada"}}
    ;
    try expectEqualStrings(
        \\{"authenticated":true,"user_id":"ada","claims":{"type":"bearer"}}
    , try plugin.authenticate(
        \\{"context":{"method":"GET","uri":"/"},"credentials":{"type":"bearer","token":"a-token"}}
    ));
    try expectEqualStrings("ada is known", mockforge.pretend.logged);
    try expectEqualStrings(
        \\{"authenticated":false,"user_id":"","claims":{}}
    , try plugin.authenticate(
        \\{"context":{"method":"GET","uri":"/"},"credentials":{"type":"bearer","token":"another"}}
    ));
}
