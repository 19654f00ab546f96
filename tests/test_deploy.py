"""The container, compose and Kubernetes files: valid by the schemas of their programs, and as tight as they claim.

Not for: nginx, which really runs in test_nginx.py. No container is built here.
"""

import importlib.resources
import json
import re
import tomllib
from typing import Any

import jsonschema
import pytest
import yaml
from kubernetes import client
from pydantic import ValidationError

from assistant.__main__ import parser
from assistant.settings import AssistantSettings
from assistant.slack.settings import SlackSettings
from tests.conftest import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
MANIFESTS = [
    pytest.param(manifest, id=f"{file.stem}-{manifest['kind']}")
    for file in sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
    for manifest in yaml.safe_load_all(file.read_text("utf-8"))
]
PODS = [p for p in MANIFESTS if p.values[0]["kind"] == "Deployment"]
SETTINGS = {f"ASSISTANT_{n.upper()}" for n in AssistantSettings.model_fields} | {
    f"SLACK_{n.upper()}" for n in SlackSettings.model_fields
}
PINNED = re.compile(r"[\w./-]+:\d+\.\d+(\.\d+)?(-[\w.-]+)?")


def faults(manifest: dict[str, Any]) -> list[str]:
    """What is not as the Kubernetes API has it, by the models of its own client: places of the faults."""
    try:
        getattr(client, f"V1{manifest['kind']}").model_validate(manifest, strict=True)
    except ValidationError as error:
        return [".".join(map(str, fault["loc"])) for fault in error.errors()]
    return []


def containers(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    pod = manifest["spec"]["template"]["spec"]
    return [*pod.get("initContainers", []), *pod["containers"]]


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_manifests_are_valid(manifest: dict[str, Any]) -> None:
    group, _, version = manifest["apiVersion"].rpartition("/")
    assert hasattr(client, f"{group.capitalize() or 'Core'}{version.capitalize()}Api")
    assert faults(manifest) == []


def test_a_wrong_manifest_is_not_valid() -> None:
    wrong = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": "2", "template": {}, "size": 1}}
    assert set(faults(wrong)) == {"spec.replicas", "spec.selector", "spec.size"}


@pytest.mark.parametrize("manifest", PODS)
def test_pods_may_do_little(manifest: dict[str, Any]) -> None:
    pod = manifest["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] >= 10000
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in containers(manifest):
        allowed = container["securityContext"]
        assert allowed["readOnlyRootFilesystem"] is True and allowed["allowPrivilegeEscalation"] is False
        assert allowed["capabilities"] == {"drop": ["ALL"]}
        assert {"cpu", "memory"} <= container["resources"]["limits"].keys() & container["resources"]["requests"].keys()
        assert PINNED.fullmatch(container["image"])
        mounted = {m["name"] for m in container["volumeMounts"]}
        assert {"data", "tmp"} <= mounted <= {v["name"] for v in pod["volumes"]}


@pytest.mark.parametrize("manifest", PODS)
def test_pods_have_settings_that_exist_and_no_secret_in_clear(manifest: dict[str, Any]) -> None:
    for container in containers(manifest):
        for variable in container.get("env", []):
            assert variable["name"] in SETTINGS
            if re.search("TOKEN|URL|SECRET$", variable["name"]):
                assert variable.keys() == {"name", "valueFrom"}


def test_replicas_are_probed_and_kept() -> None:
    manifests = {p.values[0]["kind"]: p.values[0] for p in MANIFESTS if p.id and p.id.startswith("assistant-")}
    [web] = manifests["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert (
        web["readinessProbe"]["httpGet"]["path"] == "/readyz" and web["livenessProbe"]["httpGet"]["path"] == "/healthz"
    )
    labels = manifests["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert manifests["Deployment"]["spec"]["replicas"] > manifests["PodDisruptionBudget"]["spec"]["minAvailable"] >= 1
    for one in ("Service", "PodDisruptionBudget"):
        selector = manifests[one]["spec"]["selector"]
        assert selector.get("matchLabels", selector) == labels
    claim = manifests["PersistentVolumeClaim"]["metadata"]["name"]
    volumes = manifests["Deployment"]["spec"]["template"]["spec"]["volumes"]
    assert claim in [v["persistentVolumeClaim"]["claimName"] for v in volumes if "persistentVolumeClaim" in v]


def test_compose_is_valid() -> None:
    schemas = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((schemas / "compose-spec.json").read_text("utf-8"))
    check = jsonschema.validators.validator_for(schema)(schema)
    assert [e.message for e in check.iter_errors(COMPOSE)] == []
    assert list(check.iter_errors(COMPOSE | {"services": {"a": {"imagee": "x"}}}))


def test_compose_services_may_do_little() -> None:
    services = COMPOSE["services"]
    assert {"assistant", "database", "redis", "nginx", "slack", "index"} == services.keys()
    for name, service in services.items():
        assert service["read_only"] is True and "no-new-privileges:true" in service["security_opt"]
        assert {"cpus", "memory"} <= service["deploy"]["resources"]["limits"].keys()
        assert PINNED.fullmatch(service["image"]), name
        assert name == "database" or (service["user"].split(":")[0] != "0" and service["cap_drop"] == ["ALL"])
    assert services["slack"]["profiles"] == ["slack"]
    assert all(port.startswith("127.0.0.1:") for s in services.values() for port in s.get("ports", []))


def test_compose_has_settings_that_exist_and_no_secret_in_clear() -> None:
    for service in COMPOSE["services"].values():
        for name, value in service.get("environment", {}).items():
            assert name in SETTINGS or name.startswith("POSTGRES_")
            if re.search("TOKEN|PASSWORD|DATABASE_URL|SECRET$", name):
                assert "${" in value
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert [s["file"] for s in COMPOSE["secrets"].values() if s["file"].removeprefix("./") not in ignored] == []


def test_the_image_runs_as_nobody_and_from_pinned_ones() -> None:
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)
    own = {*re.findall(r" AS (\w+)$", DOCKERFILE, re.M)}
    assert [s for s in stages if s not in own and not PINNED.fullmatch(s)] == [] and stages[0].startswith("python:3.")
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (\S+)", last, re.M) == ["10001:10001"]
    assert "/readyz" in last.partition("HEALTHCHECK")[2] and "--require-hashes" in (ROOT / "Makefile").read_text(
        "utf-8"
    )
    assert not re.search("TOKEN|PASSWORD|API_KEY=", DOCKERFILE)


def test_what_the_containers_start_exists() -> None:
    commands = [json.loads(c) for c in re.findall(r"^CMD (\[.*\])", DOCKERFILE, re.M)]
    commands += [s["command"] for s in COMPOSE["services"].values() if "command" in s]
    commands += [c["args"] for p in PODS for c in p.values[0]["spec"]["template"]["spec"]["containers"]]
    started = [c for c in commands if c[:3] == ["python", "-m", "assistant"]]
    assert len(started) >= 4
    for command in started:
        parser().parse_args(command[3:])


def test_the_image_gets_what_it_needs_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    kept = [line[1:] for line in lines if line.startswith("!")]
    assert "*" in lines and [k for k in kept if not (ROOT / k).exists()] == []
    assert {"assistant", "index", "prompts", "sources", "locks", "Makefile", "pyproject.toml"} <= set(kept)
    assert not {".env", "tests", "evals", ".data", ".git"} & set(kept)


def test_all_files_name_one_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    files = [ROOT / "Dockerfile", ROOT / "compose.yaml", *(ROOT / "deploy" / "kubernetes").glob("*.yaml")]
    named = [v for f in files for v in re.findall(r"union-state-assistant:(\S+)", f.read_text("utf-8"))]
    assert len(named) >= 4 and set(named) == {version}
