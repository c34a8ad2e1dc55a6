"""What `demo` is made of: its folder, its receiver and loader, and the calls that go on."""
