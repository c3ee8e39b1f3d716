"""Redshift Serverless, of which moto has nothing: namespaces, workgroups, usage limits, credentials.

A state lasts for a number of Gets and Lists, as with clusters.
"""

import json
import secrets
from datetime import datetime, timedelta, timezone

import accounts
import refusals
from moto.ec2 import ec2_backends
from moto.iam.access_control import IAMRequest
from moto.secretsmanager import secretsmanager_backends
from werkzeug.exceptions import HTTPException

TARGET = "RedshiftServerless."
CAPACITIES = [4, *range(8, 513, 8), *range(544, 1025, 32)]

_regions = {}


class Refused(Exception):
    def __init__(self, code, message, status=400):
        super().__init__(message)
        self.code, self.status = code, status


class Region:
    """The resources of an account in a region."""

    def __init__(self, account, name):
        self.account, self.name = account, name
        self.namespaces, self.workgroups, self.limits, self.tags = {}, {}, {}, {}
        self.snapshots = []

    def arn(self, kind, identifier):
        return f"arn:aws:redshift-serverless:{self.name}:{self.account}:{kind}/{identifier}"

    def setting(self, name):
        return accounts.settings(self.account)[name]


def uses(account, region, group):
    """Whether a workgroup has that security group."""
    there = _regions.get((account, region))
    return there is not None and any(group in one["securityGroupIds"] for one in there.workgroups.values())


def answer(environ, account):
    """The status line and the document for a request."""
    operation = environ["HTTP_X_AMZ_TARGET"].removeprefix(TARGET)
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    region = environ["HTTP_AUTHORIZATION"].split("/")[2]
    try:
        if accounts.checks_permissions(account):
            authorize(environ, account, operation, body)
        there = _regions.setdefault((account, region), Region(account, region))
        handler = OPERATIONS.get(operation)
        if handler is None:
            raise Refused("UnknownOperationException", f"no such operation: {operation}", 404)
        return "200 OK", handler(there, json.loads(body or b"{}"))
    except Refused as refused:
        document = {"__type": refused.code, "message": str(refused)}
        return f"{refused.status} Refused", document
    except HTTPException as denied:
        status, text = refusals.respelled(str(denied.description), "redshift-serverless", True)
        return f"{status} Refused", json.loads(text)


def authorize(environ, account, operation, body):
    headers = {"Content-Type": environ.get("CONTENT_TYPE", ""), "Content-Length": environ.get("CONTENT_LENGTH", "")}
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            headers["-".join(part.capitalize() for part in name[5:].split("_"))] = value
    request = IAMRequest(account, "POST", "/", {}, body, headers, operation)
    request.check_signature()
    request.check_action_permitted("*")


def now():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def begin(resource, status, times, then):
    resource["status"] = status
    resource["~times"], resource["~then"] = times, then


def tick(resource):
    if resource.get("~then") is None:
        return
    resource["~times"] -= 1
    if resource["~times"] < 0:
        resource.pop("~then")()


def become_available(resource):
    def then():
        resource["status"] = "AVAILABLE"

    return then


def shown(resource):
    return {key: value for key, value in resource.items() if not key.startswith("~") and value is not None}


def named(resources, name, kind):
    if name not in resources:
        raise Refused("ResourceNotFoundException", f"The {kind} {name} does not exist.", 400)
    return resources[name]


def unbusy(resource):
    if resource.get("~then") is not None:
        raise Refused("ConflictException", "There is an operation in progress.")


def show_namespace(region, namespace):
    result = shown(namespace)
    # This is how AWS spells them in an answer.
    result["iamRoles"] = [f"IamRole(applyStatus=in-sync, iamRoleArn={role})" for role in namespace["iamRoles"]]
    return result


def show_workgroup(region, workgroup):
    result = shown(workgroup)
    if workgroup["status"] != "CREATING":
        address = f"{workgroup['workgroupName']}.{region.account}.{region.name}.redshift-serverless.amazonaws.com"
        port = region.setting("port") or workgroup["port"]
        result["endpoint"] = {"address": region.setting("host") or address, "port": port, "vpcEndpoints": []}
    return result


def create_namespace(region, request):
    name = request["namespaceName"]
    if name in region.namespaces:
        raise Refused("ConflictException", f"Namespace {name} already exists.")
    arn = region.arn("namespace", secrets.token_hex(8))
    namespace = {
        "namespaceName": name,
        "namespaceArn": arn,
        "namespaceId": arn.rsplit("/")[-1],
        "adminUsername": request.get("adminUsername", "admin"),
        "dbName": request.get("dbName", "dev"),
        "defaultIamRoleArn": request.get("defaultIamRoleArn"),
        "iamRoles": request.get("iamRoles", []),
        "logExports": [],
        "creationDate": now(),
    }
    if bool(request.get("manageAdminPassword")) == bool(request.get("adminUserPassword")):
        raise Refused("ValidationException", "Give either manageAdminPassword or adminUserPassword.")
    if request.get("manageAdminPassword"):
        text = json.dumps({"username": namespace["adminUsername"], "password": f"MANAGED-{secrets.token_hex(12)}"})
        backend = secretsmanager_backends[region.account][region.name]
        created = backend.create_secret(
            f"redshift!{name}-{namespace['adminUsername']}", text, None, None, [], None, None, [], False
        )
        namespace["adminPasswordSecretArn"] = json.loads(created)["ARN"]
    region.tags[arn] = request.get("tags", [])
    region.namespaces[name] = namespace
    namespace["status"] = "AVAILABLE"
    return {"namespace": show_namespace(region, namespace)}


def get_namespace(region, request):
    namespace = named(region.namespaces, request["namespaceName"], "namespace")
    tick(namespace)
    named(region.namespaces, request["namespaceName"], "namespace")
    return {"namespace": show_namespace(region, namespace)}


def list_namespaces(region, _request):
    for namespace in list(region.namespaces.values()):
        tick(namespace)
    return {"namespaces": [show_namespace(region, namespace) for namespace in region.namespaces.values()]}


def update_namespace(region, request):
    namespace = named(region.namespaces, request["namespaceName"], "namespace")
    unbusy(namespace)
    for key in ["defaultIamRoleArn", "iamRoles"]:
        if key in request:
            namespace[key] = request[key]
    begin(namespace, "MODIFYING", region.setting("modifying"), become_available(namespace))
    return {"namespace": show_namespace(region, namespace)}


def delete_namespace(region, request):
    name = request["namespaceName"]
    namespace = named(region.namespaces, name, "namespace")
    unbusy(namespace)
    if any(workgroup["namespaceName"] == name for workgroup in region.workgroups.values()):
        raise Refused("ConflictException", f"Namespace {name} has a workgroup.")

    def gone():
        del region.namespaces[name]
        if namespace.get("adminPasswordSecretArn"):
            backend = secretsmanager_backends[region.account][region.name]
            backend.delete_secret(namespace["adminPasswordSecretArn"], None, True)

    if request.get("finalSnapshotName"):
        region.snapshots.append(
            {
                "snapshotName": request["finalSnapshotName"],
                "namespaceName": name,
                "namespaceArn": namespace["namespaceArn"],
                "snapshotRetentionPeriod": request.get("finalSnapshotRetentionPeriod", -1),
                "status": "AVAILABLE",
            }
        )
    begin(namespace, "DELETING", region.setting("deleting"), gone)
    return {"namespace": show_namespace(region, namespace)}


def list_snapshots(region, request):
    wanted = request.get("namespaceName")
    if wanted and wanted not in region.namespaces:
        raise Refused("ResourceNotFoundException", f"The namespace {wanted} does not exist.")
    return {"snapshots": [one for one in region.snapshots if wanted in (None, one["namespaceName"])]}


def create_workgroup(region, request):
    name = request["workgroupName"]
    if name in region.workgroups:
        raise Refused("ConflictException", f"Workgroup {name} already exists.")
    namespace = named(region.namespaces, request["namespaceName"], "namespace")
    if any(other["namespaceName"] == namespace["namespaceName"] for other in region.workgroups.values()):
        raise Refused("ConflictException", "The namespace has a workgroup already.")
    capacity = request.get("baseCapacity", 128)
    if capacity not in CAPACITIES:
        raise Refused("ValidationException", f"{capacity} is no base capacity.")
    require_ssl = [item for item in request.get("configParameters", []) if item["parameterKey"] == "require_ssl"]
    if any(item["parameterValue"] == "false" for item in require_ssl):
        raise Refused("ValidationException", "require_ssl cannot be false.")
    ec2 = ec2_backends[region.account][region.name]
    for group in request.get("securityGroupIds", []):
        if ec2.get_security_group_from_id(group) is None:
            raise Refused("ValidationException", f"There is no security group {group}.")
    arn = region.arn("workgroup", secrets.token_hex(8))
    parameters = {"require_ssl": "true"} | {
        item["parameterKey"]: item["parameterValue"] for item in request.get("configParameters", [])
    }
    workgroup = {
        "workgroupName": name,
        "workgroupArn": arn,
        "workgroupId": arn.rsplit("/")[-1],
        "namespaceName": namespace["namespaceName"],
        "baseCapacity": capacity,
        "maxCapacity": request.get("maxCapacity"),
        "publiclyAccessible": request.get("publiclyAccessible", False),
        "enhancedVpcRouting": request.get("enhancedVpcRouting", False),
        "securityGroupIds": request.get("securityGroupIds", []),
        "subnetIds": request.get("subnetIds", []),
        "port": request.get("port", 5439),
        "configParameters": [{"parameterKey": key, "parameterValue": value} for key, value in parameters.items()],
        "creationDate": now(),
    }
    region.tags[arn] = request.get("tags", [])
    region.workgroups[name] = workgroup
    begin(workgroup, "CREATING", region.setting("creating"), become_available(workgroup))
    return {"workgroup": show_workgroup(region, workgroup)}


def get_workgroup(region, request):
    workgroup = named(region.workgroups, request["workgroupName"], "workgroup")
    tick(workgroup)
    named(region.workgroups, request["workgroupName"], "workgroup")
    return {"workgroup": show_workgroup(region, workgroup)}


def list_workgroups(region, _request):
    for workgroup in list(region.workgroups.values()):
        tick(workgroup)
    return {"workgroups": [show_workgroup(region, workgroup) for workgroup in region.workgroups.values()]}


def update_workgroup(region, request):
    workgroup = named(region.workgroups, request["workgroupName"], "workgroup")
    unbusy(workgroup)
    for key in ["baseCapacity", "maxCapacity", "publiclyAccessible", "securityGroupIds", "subnetIds", "port"]:
        if key in request:
            workgroup[key] = request[key]
    begin(workgroup, "MODIFYING", region.setting("modifying"), become_available(workgroup))
    return {"workgroup": show_workgroup(region, workgroup)}


def delete_workgroup(region, request):
    name = request["workgroupName"]
    workgroup = named(region.workgroups, name, "workgroup")
    unbusy(workgroup)

    def gone():
        del region.workgroups[name]
        limits = region.limits
        region.limits = {key: limit for key, limit in limits.items() if limit["resourceArn"] != workgroup["workgroupArn"]}
        ec2 = ec2_backends[region.account][region.name]
        waiting = ec2.__dict__.setdefault("shim_interfaces", {})
        for group in workgroup["securityGroupIds"]:
            waiting[group] = region.setting("releasing_interface")

    begin(workgroup, "DELETING", region.setting("deleting"), gone)
    return {"workgroup": show_workgroup(region, workgroup)}


def create_usage_limit(region, request):
    key = tuple(request.get(name) for name in ["resourceArn", "usageType", "period"])
    if any(limit["~key"] == key for limit in region.limits.values()):
        raise Refused("ConflictException", "There is such a limit already.")
    identifier = secrets.token_hex(8)
    limit = {
        "usageLimitId": identifier,
        "usageLimitArn": region.arn("usagelimit", identifier),
        "resourceArn": request["resourceArn"],
        "usageType": request["usageType"],
        "amount": request["amount"],
        "period": request.get("period", "monthly"),
        "breachAction": request.get("breachAction", "log"),
        "~key": key,
    }
    region.limits[identifier] = limit
    return {"usageLimit": shown(limit)}


def list_usage_limits(region, request):
    limits = region.limits.values()
    wanted = request.get("resourceArn")
    return {"usageLimits": [shown(limit) for limit in limits if wanted in (None, limit["resourceArn"])]}


def update_usage_limit(region, request):
    limit = named(region.limits, request["usageLimitId"], "usage limit")
    for key in ["amount", "breachAction"]:
        if key in request:
            limit[key] = request[key]
    return {"usageLimit": shown(limit)}


def delete_usage_limit(region, request):
    limit = named(region.limits, request["usageLimitId"], "usage limit")
    del region.limits[request["usageLimitId"]]
    return {"usageLimit": shown(limit)}


def get_credentials(region, request):
    named(region.workgroups, request["workgroupName"], "workgroup")
    expires = datetime.now(timezone.utc) + timedelta(seconds=request.get("durationSeconds", 900))
    return {
        "dbUser": "IAM:tester",
        "dbPassword": accounts.temporary_password(region.account),
        "expiration": expires.timestamp(),
        "nextRefreshTime": expires.timestamp(),
    }


def list_tags(region, request):
    return {"tags": region.tags.get(request["resourceArn"], [])}


def tag_resource(region, request):
    names = [tag["key"] for tag in request["tags"]]
    kept = [tag for tag in region.tags.get(request["resourceArn"], []) if tag["key"] not in names]
    region.tags[request["resourceArn"]] = kept + request["tags"]
    return {}


def untag_resource(region, request):
    kept = [tag for tag in region.tags.get(request["resourceArn"], []) if tag["key"] not in request["tagKeys"]]
    region.tags[request["resourceArn"]] = kept
    return {}


OPERATIONS = {
    "CreateNamespace": create_namespace,
    "GetNamespace": get_namespace,
    "ListNamespaces": list_namespaces,
    "UpdateNamespace": update_namespace,
    "DeleteNamespace": delete_namespace,
    "ListSnapshots": list_snapshots,
    "CreateWorkgroup": create_workgroup,
    "GetWorkgroup": get_workgroup,
    "ListWorkgroups": list_workgroups,
    "UpdateWorkgroup": update_workgroup,
    "DeleteWorkgroup": delete_workgroup,
    "CreateUsageLimit": create_usage_limit,
    "ListUsageLimits": list_usage_limits,
    "UpdateUsageLimit": update_usage_limit,
    "DeleteUsageLimit": delete_usage_limit,
    "GetCredentials": get_credentials,
    "ListTagsForResource": list_tags,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
}
