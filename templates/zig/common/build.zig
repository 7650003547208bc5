//! `zig build --release=small` makes zig-out/bin/{$ ident $}.wasm, `zig build test` runs the tests natively.

const std = @import("std");

pub fn build(b: *std.Build) void {
    const plugin = b.addExecutable(.{
        .name = "{$ ident $}",
        .root_module = b.createModule(.{
            .root_source_file = b.path("src/plugin.zig"),
            // Nothing is behind it but MockForge's host.
            .target = b.resolveTargetQuery(.{ .cpu_arch = .wasm32, .os_tag = .freestanding }),
            .optimize = b.standardOptimizeOption(.{ .preferred_optimize_mode = .ReleaseSmall }),
            .strip = true,
        }),
    });
    plugin.entry = .disabled;
    plugin.rdynamic = true;
    b.installArtifact(plugin);

    const tests = b.addTest(.{
        .root_module = b.createModule(.{ .root_source_file = b.path("src/tests.zig"), .target = b.graph.host }),
    });
    b.step("test", "Run the tests natively").dependOn(&b.addRunArtifact(tests).step);
}
