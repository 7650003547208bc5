#[test]
fn every_request_is_answered() -> Result<()> {
    let harness = PluginTestHarness::new(mockforge_plugin())
        .config(json!({ "status": 418, "message": "short and stout" }))?;
    let answer = harness.generate(GenerateRequest::of(Request::new("GET", "/tea")))?;
    assert_eq!(
        (answer.status_code, answer.content_type.as_deref()),
        (418, Some("application/json"))
    );
    let body: Value = mockforge_plugin_sdk::serde_json::from_slice(&answer.body)?;
    assert_eq!(
        body,
        json!({ "message": "short and stout", "method": "GET", "path": "/tea" })
    );
    assert_eq!(
        harness.host().logged(),
        [(Level::Info, "answering GET /tea".to_owned())]
    );
    Ok(())
}
