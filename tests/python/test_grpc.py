"""A client that knows nothing of the API but its address, a certificate and a token: everything else comes by
reflection, as in tools that are not written in Rust."""

import threading

import grpc
import pytest
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

LIMIT_S = 30


class Services:
    """Calls by name."""

    def __init__(self, daemon, token: str):
        transport = grpc.ssl_channel_credentials(daemon.certificate())
        caller = grpc.access_token_call_credentials(token)
        both = grpc.composite_channel_credentials(transport, caller)
        self.channel = grpc.secure_channel(f"127.0.0.1:{daemon.grpc_port}", both)
        self.pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(self.channel))

    def call(self, service: str, method: str, **fields):
        """The answer, or the answers of a stream."""
        name = f"quantix.v1.{service}"
        found = self.pool.FindServiceByName(name).methods_by_name[method]
        request = message_factory.GetMessageClass(found.input_type)
        answer = message_factory.GetMessageClass(found.output_type)
        kind = self.channel.unary_stream if found.server_streaming else self.channel.unary_unary
        call = kind(
            f"/{name}/{method}",
            request_serializer=request.SerializeToString,
            response_deserializer=answer.FromString,
        )
        return call(request(**fields), timeout=LIMIT_S)

    def value(self, enum: str, name: str) -> int:
        return self.pool.FindEnumTypeByName(f"quantix.v1.{enum}").values_by_name[name].number


def test_a_vm_is_created_started_watched_and_deleted(daemon):
    services = Services(daemon, daemon.token)
    running = services.value("VmState", "VM_STATE_RUNNING")
    off = services.value("VmState", "VM_STATE_OFF")
    events = services.call("EventService", "Follow")
    seen, met = [], threading.Event()

    def watch():
        try:
            for event in events:
                if event.type == "vm.changed" and event.vm.name == "by-python":
                    seen.append(event.vm.state)
                    if event.vm.state == running:
                        met.set()
        except grpc.RpcError:
            # Cancelled below, or too late, which the test tells.
            return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        made = services.call("VmService", "Create", name="by-python", memory_mib=64)
        assert (made.name, made.memory_mib, made.state) == ("by-python", 64, off)
        services.call("VmService", "Start", id=made.id)
        assert met.wait(LIMIT_S), f"no event told that it runs: {seen}"
        assert services.call("VmService", "Get", id=made.id).state == running
        # Another way in sees the same.
        assert daemon.ask("GET", f"/api/v1/vms/{made.id}")["state"] == "running"
        services.call("VmService", "Stop", id=made.id)
        services.call("VmService", "Delete", id=made.id)
        with pytest.raises(grpc.RpcError) as gone:
            services.call("VmService", "Get", id=made.id)
        assert gone.value.code() == grpc.StatusCode.NOT_FOUND
    finally:
        events.cancel()
        watcher.join(LIMIT_S)


def test_a_wrong_wish_names_the_field_and_a_wrong_token_gets_nothing(daemon):
    services = Services(daemon, daemon.token)
    with pytest.raises(grpc.RpcError) as wrong:
        services.call("VmService", "Create", name="-", memory_mib=64)
    assert wrong.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "name" in wrong.value.details()
    stranger = Services(daemon, "qxt_" + "0" * 64)
    with pytest.raises(grpc.RpcError) as refused:
        stranger.channel.unary_unary("/quantix.v1.VmService/List")(b"", timeout=LIMIT_S)
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
