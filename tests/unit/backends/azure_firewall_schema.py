# Validates ARM templates and parameter files against Microsoft's published JSON schemas.
"""Usage: azure_firewall_schema.py <schemas/azure> <template or parameter file>...

The published template schema refers to some hundred resource schemas that are not here; each
resource is validated against the one of its type and version instead. Where that version's is not
here, the next later one stands in: from 2022-11-01 on every property that we write is the same in
all of them. Exit code 77: not possible here.
"""
import copy
import json
import pathlib
import sys
import warnings

warnings.simplefilter("ignore")
try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def validators(root):
    template = load(root / "2019-04-01/deploymentTemplate.json")
    # Which resources there are is validate_resource()'s business; the envelope stays as published.
    envelope = copy.deepcopy(template)
    envelope["definitions"]["resource"] = {"$ref": "#/definitions/resourceBase"}
    store = {}
    for schema in (envelope, load(root / "2019-04-01/deploymentParameters.json"),
                   load(root / "common/definitions.json")):
        store[schema["id"]] = schema
        store[schema["id"].rstrip("#")] = schema

    def validator(schema):
        resolver = jsonschema.RefResolver(schema.get("id", ""), schema, store=store)
        return jsonschema.Draft4Validator(schema, resolver=resolver)

    return validator, envelope, store


def resource_errors(root, validator, resource):
    name = "Microsoft.Network.azfw.json"
    versions = sorted(path.parent.name for path in root.glob("*/" + name))
    version = next((v for v in versions if "2022-11-01" <= resource["apiVersion"] <= v), None)
    if version is None:
        return ["no schema for " + resource["apiVersion"]]
    schemas = load(root / version / name)
    resource = dict(resource, apiVersion=version)
    by_type = {definition["properties"]["type"]["enum"][0]: definition
               for definition in schemas["resourceDefinitions"].values()}
    schema = dict(schemas)
    schema.update(by_type[resource["type"]])
    return list(validator(schema).iter_errors(resource))


def main():
    root = pathlib.Path(sys.argv[1])
    validator, envelope, store = validators(root)
    failures = 0
    for name in sys.argv[2:]:
        document = load(pathlib.Path(name))
        if "deploymentParameters" in document["$schema"]:
            errors = list(validator(store[document["$schema"]]).iter_errors(document))
        else:
            errors = list(validator(envelope).iter_errors(document))
            for resource in document["resources"]:
                errors += resource_errors(root, validator, resource)
        for error in errors:
            print(name, getattr(error, "message", error),
                  "/".join(map(str, getattr(error, "absolute_path", []))))
        failures += len(errors)
    sys.exit(1 if failures else 0)


main()
