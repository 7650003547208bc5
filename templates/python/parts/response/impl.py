    def generate_response(self, ctx: PluginContext, req: ResponseRequest) -> ResponseData:
        config = self.host.config()
        self.host.log("info", f"answering {req.method} {req.path}")
        body = {"message": config.get("message", "Hello"), "method": req.method, "path": req.path}
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        return ResponseData(config.get("status", 200), {}, text, "application/json")
