#[test]
fn items_are_looked_up_by_a_part_of_their_name() -> Result<()> {
    let harness = PluginTestHarness::new(mockforge_plugin());
    assert_eq!(
        harness.query(QueryRequest::new("an"))?.rows(),
        [[json!(2), json!("banana")]]
    );
    assert_eq!(harness.query(QueryRequest::new(""))?.rows().len(), 3);
    assert_eq!(
        harness.host().logged()[0],
        (Level::Info, "found 1".to_owned())
    );
    Ok(())
}
