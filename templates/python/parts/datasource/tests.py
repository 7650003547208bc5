def test_items_are_looked_up_by_a_part_of_their_name(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    plugin = {$ class $}()

    assert plugin.query_datasource(DataQuery("an"), CONTEXT).rows == [{"id": 2, "name": "banana"}]
    assert caplog.messages == ["found 1"]
    assert len(plugin.query_datasource(DataQuery(""), CONTEXT).rows) == 3
