def test_every_request_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    plugin = {$ class $}(config={"status": 418, "message": "short and stout"})

    answer = plugin.generate_response(CONTEXT, ResponseRequest("GET", "/tea"))

    assert (answer.status_code, answer.content_type) == (418, "application/json")
    assert json.loads(answer.body) == {"message": "short and stout", "method": "GET", "path": "/tea"}
    assert caplog.messages == ["answering GET /tea"]
