impl Response for {% include "rust/parts/struct.txt" %} {
    fn generate(&self, request: GenerateRequest, host: &dyn Host) -> Result<ResponseData> {
        let Request { method, path, .. } = request.request;
        host.info(&format!("answering {method} {path}"));
        let body = json!({ "message": self.settings.message, "method": method, "path": path });
        Ok(ResponseData::json(&body)?.status(self.settings.status))
    }
}
