"""Clusters with a life cycle.

moto's clusters are there at once and gone at once. Here a state lasts for a number of Describes, and what AWS
refuses in a state, or ever, is refused. What is written here is a reading of AWS's documents.
"""

import json
import secrets
from datetime import datetime, timedelta, timezone

import accounts
import serverless
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ec2 import ec2_backends
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.iam.access_control import IAMPolicy, PermissionResult, create_access_key
from moto.redshift.exceptions import (
    ClusterNotFoundError,
    ClusterSubnetGroupNotFoundError,
    InvalidParameterCombinationError,
    InvalidParameterValueError,
)
from moto.redshift.models import Cluster, RedshiftBackend, redshift_backends
from moto.redshift.responses import RedshiftResponse
from moto.secretsmanager import secretsmanager_backends

# Node type: the numbers of nodes of a cluster with several.
NODE_TYPES = {
    "ra3.large": (2, 16),
    "ra3.xlplus": (2, 16),
    "ra3.4xlarge": (2, 32),
    "ra3.16xlarge": (2, 128),
    "rg.large": (2, 16),
    "rg.xlarge": (2, 16),
    "rg.4xlarge": (2, 32),
    "rg.12xlarge": (2, 128),
}
SINGLE_NODE = ["ra3.large", "ra3.xlplus", "rg.large"]
PORTS = [*range(5431, 5456), *range(8191, 8216)]


class InvalidClusterStateError(ServiceException):
    def __init__(self, cluster):
        super().__init__(
            "InvalidClusterState",
            f"There is an operation running on the Cluster {cluster.cluster_identifier}, or its state "
            f"{cluster.status} does not allow this.",
        )


class PassRoleDeniedError(ServiceException):
    def __init__(self, user, role):
        super().__init__(
            "AccessDenied", f"User: {user} is not authorized to perform: iam:PassRole on resource: {role}"
        )


class InvalidSubnetGroupStateError(ServiceException):
    def __init__(self, name):
        super().__init__("InvalidClusterSubnetGroupStateFault", f"The subnet group {name} is in use.")


class SecurityGroupInUseError(EC2ClientError):
    def __init__(self, group):
        super().__init__("DependencyViolation", f"resource {group} has a dependent object")


def settings_of(cluster):
    return accounts.settings(cluster.account_id)


def begin(cluster, status, times, then):
    """The cluster has that status for a number of Describes; then something happens."""
    cluster.status = status
    cluster.shim_times = times
    cluster.shim_then = then


def become(status):
    def then(cluster):
        cluster.status = status

    return then


def tick(cluster):
    """The cluster has been looked at."""
    if getattr(cluster, "shim_then", None) is None:
        if cluster.status == "available" and cluster.shim_adding > 0:
            cluster.shim_adding -= 1
        return
    cluster.shim_times -= 1
    if cluster.shim_times < 0:
        then, cluster.shim_then = cluster.shim_then, None
        then(cluster)


def busy(cluster):
    return getattr(cluster, "shim_then", None) is not None


def checked(backend, identifier):
    cluster = backend.clusters.get(identifier)
    if cluster is None:
        raise ClusterNotFoundError(identifier)
    return cluster


def check_request(backend, get):
    """What AWS refuses and moto accepts."""
    node_type = get("NodeType")
    if node_type not in NODE_TYPES:
        raise InvalidParameterValueError(f"Invalid node type: {node_type}")
    if (get("Port") or 5439) not in PORTS:
        raise InvalidParameterValueError(f"Invalid port: {get('Port')}")
    if get("Encrypted") is False:
        raise InvalidParameterCombinationError("Unencrypted clusters cannot be created.")
    if bool(get("MasterUserPassword")) == bool(get("ManageMasterPassword")):
        raise InvalidParameterCombinationError("Give either MasterUserPassword or ManageMasterPassword.")
    if get("ClusterType") == "single-node":
        if get("NumberOfNodes") is not None:
            raise InvalidParameterCombinationError("NumberOfNodes is for multi-node clusters.")
        if node_type not in SINGLE_NODE:
            raise InvalidParameterValueError(f"{node_type} does not make single-node clusters.")
    else:
        low, high = NODE_TYPES[node_type]
        if not low <= (get("NumberOfNodes") or 0) <= high:
            raise InvalidParameterCombinationError(f"A cluster of {node_type} has {low} to {high} nodes.")
    group = get("ClusterSubnetGroupName")
    if group and group not in backend.subnet_groups:
        raise ClusterSubnetGroupNotFoundError(group)
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    for security_group in get("VpcSecurityGroupIds") or []:
        if ec2.get_security_group_from_id(security_group) is None:
            raise InvalidParameterValueError(f"There is no security group {security_group}.")


def check_pass_role(self, roles):
    """Whoever gives a role away needs a permission for that role, which moto does not ask for."""
    if not accounts.checks_permissions(self.current_account):
        return
    key = create_access_key(self.current_account, self.partition, self.get_access_key(), self.headers)
    policies = [IAMPolicy(policy) for policy in key.collect_policies()]
    for role in roles:
        results = {policy.is_action_permitted("iam:PassRole", role) for policy in policies}
        if PermissionResult.DENIED in results or PermissionResult.PERMITTED not in results:
            raise PassRoleDeniedError(key.arn, role)


def default_parameter_group(backend):
    name = "default.redshift-2.0"
    if name not in backend.parameter_groups:
        backend.create_cluster_parameter_group(name, "redshift-2.0", "Default parameters", backend.region_name)
    return name


def create_secret(cluster):
    """The password that AWS manages."""
    backend = secretsmanager_backends[cluster.account_id][cluster.region]
    password = f"MANAGED-{secrets.token_hex(12)}"
    text = json.dumps({"username": cluster.master_username, "password": password})
    cluster.master_user_password = password
    name = f"redshift!{cluster.cluster_identifier}-{cluster.master_username}"
    tags = [{"Key": "aws:redshift:primaryClusterArn", "Value": cluster.arn}]
    created = backend.create_secret(name, text, None, None, tags, None, None, [], False)
    cluster.master_password_secret_arn = json.loads(created)["ARN"]


def delete_secret(cluster):
    arn = getattr(cluster, "master_password_secret_arn", None)
    if arn:
        backend = secretsmanager_backends[cluster.account_id][cluster.region]
        backend.delete_secret(arn, None, True)


def create_cluster(self):
    backend = self.redshift_backend
    check_request(backend, self._get_param)
    check_pass_role(self, self._get_param("IamRoles") or [])
    result = original_create(self)
    cluster = backend.clusters[self._get_param("ClusterIdentifier")]
    cluster.encrypted = True
    if not self._get_param("ClusterParameterGroupName"):
        cluster.cluster_parameter_group_name = [default_parameter_group(backend)]
    cluster.default_iam_role_arn = self._get_param("DefaultIamRoleArn")
    cluster.cluster_namespace_arn = (
        f"arn:aws:redshift:{cluster.region}:{cluster.account_id}:namespace:{cluster.unique_cluster_id}"
    )
    if self._get_param("ManageMasterPassword"):
        create_secret(cluster)
    cluster.shim_adding = settings_of(cluster)["adding_roles"] if cluster.iam_roles_arn else 0
    begin(cluster, "creating", settings_of(cluster)["creating"], become("available"))
    return result


def describe_clusters(self):
    identifier = self._get_param("ClusterIdentifier")
    backend = self.redshift_backend
    keys, values = self._get_param("TagKeys") or [], self._get_param("TagValues") or []
    clusters = [checked(backend, identifier)] if identifier else list(backend.clusters.values())

    def matches(cluster):
        has_key = not keys or any(tag["Key"] in keys for tag in cluster.tags)
        return has_key and (not values or any(tag["Value"] in values for tag in cluster.tags))

    for cluster in clusters:
        tick(cluster)
    if identifier:
        checked(backend, identifier)
    there = [cluster for cluster in clusters if cluster.cluster_identifier in backend.clusters]
    return ActionResult({"Clusters": [cluster for cluster in there if matches(cluster)]})


def describe_cluster_snapshots(self):
    identifier, keys = self._get_param("SnapshotIdentifier"), self._get_param("TagKeys") or []
    cluster, values = self._get_param("ClusterIdentifier"), self._get_param("TagValues") or []
    kind = self._get_param("SnapshotType")
    if identifier:
        return original_describe_snapshots(self)
    if cluster:
        # The harder of two readings: that of a cluster that is gone nothing is told by its name.
        checked(self.redshift_backend, cluster)
    found = [
        snapshot
        for snapshot in self.redshift_backend.snapshots.values()
        if (not cluster or snapshot.cluster_identifier == cluster)
        and (not kind or snapshot.snapshot_type == kind)
        and (not keys or any(tag["Key"] in keys for tag in snapshot.tags))
        and (not values or any(tag["Value"] in values for tag in snapshot.tags))
    ]
    return ActionResult({"Snapshots": found})


def modify_cluster(self):
    cluster = checked(self.redshift_backend, self._get_param("ClusterIdentifier"))
    if busy(cluster) or cluster.status != "available":
        raise InvalidClusterStateError(cluster)
    result = original_modify(self)
    begin(cluster, "modifying", settings_of(cluster)["modifying"], become("available"))
    return result


def modify_cluster_iam_roles(self):
    cluster = checked(self.redshift_backend, self._get_param("ClusterIdentifier"))
    if busy(cluster) or cluster.status != "available":
        raise InvalidClusterStateError(cluster)
    remove, add = self._get_param("RemoveIamRoles") or [], self._get_param("AddIamRoles") or []
    kept = [role for role in cluster.iam_roles_arn if role not in remove and role not in add]
    check_pass_role(self, add)
    cluster.iam_roles_arn = kept + list(add)
    cluster.default_iam_role_arn = self._get_param("DefaultIamRoleArn") or cluster.default_iam_role_arn
    cluster.shim_adding = settings_of(cluster)["adding_roles"]
    return ActionResult({"Cluster": cluster})


def pause_cluster(self):
    cluster = checked(self.redshift_backend, self._get_param("ClusterIdentifier"))
    if busy(cluster) or cluster.status != "available":
        raise InvalidClusterStateError(cluster)
    begin(cluster, "pausing", settings_of(cluster)["pausing"], become("paused"))
    return ActionResult({"Cluster": cluster})


def resume_cluster(self):
    cluster = checked(self.redshift_backend, self._get_param("ClusterIdentifier"))
    if busy(cluster) or cluster.status != "paused":
        raise InvalidClusterStateError(cluster)
    begin(cluster, "resuming", settings_of(cluster)["resuming"], become("available"))
    return ActionResult({"Cluster": cluster})


def delete_cluster(self):
    backend = self.redshift_backend
    cluster = checked(backend, self._get_param("ClusterIdentifier"))
    skip = bool(self._get_bool_param("SkipFinalClusterSnapshot"))
    snapshot = self._get_param("FinalClusterSnapshotIdentifier")
    if skip == bool(snapshot):
        raise InvalidParameterCombinationError(
            "Either FinalClusterSnapshotIdentifier or SkipFinalClusterSnapshot must be given, not both."
        )
    if busy(cluster):
        raise InvalidClusterStateError(cluster)
    if snapshot:
        backend.create_cluster_snapshot(cluster.cluster_identifier, snapshot, cluster.region, list(cluster.tags))

    def gone(cluster):
        cluster.status = "deleted"
        ec2 = ec2_backends[cluster.account_id][cluster.region]
        waiting = ec2.__dict__.setdefault("shim_interfaces", {})
        for group in cluster.vpc_security_group_ids:
            waiting[group] = settings_of(cluster)["releasing_interface"]
        delete_secret(cluster)
        backend.delete_cluster(
            cluster_identifier=cluster.cluster_identifier,
            skip_final_snapshot=True,
            final_cluster_snapshot_identifier=None,
        )

    begin(cluster, "final-snapshot" if snapshot else "deleting", settings_of(cluster)["deleting"], gone)
    return ActionResult({"Cluster": cluster})


def delete_cluster_subnet_group(self):
    name = self._get_param("ClusterSubnetGroupName")
    if any(cluster.cluster_subnet_group_name == name for cluster in self.redshift_backend.clusters.values()):
        raise InvalidSubnetGroupStateError(name)
    return original_delete_subnet_group(self)


def delete_security_group(self, name=None, group_id=None):
    redshift = redshift_backends[self.account_id][self.region_name]
    for cluster in redshift.clusters.values():
        if group_id in cluster.vpc_security_group_ids:
            raise SecurityGroupInUseError(group_id)
    if serverless.uses(self.account_id, self.region_name, group_id):
        raise SecurityGroupInUseError(group_id)
    waiting = self.__dict__.get("shim_interfaces", {})
    if waiting.get(group_id, 0) > 0:
        waiting[group_id] -= 1
        raise SecurityGroupInUseError(group_id)
    original_delete_security_group(self, name, group_id)


def describe_tags(self):
    keys, values = self._get_param("TagKeys") or [], self._get_param("TagValues") or []
    if self._get_param("ResourceName"):
        return original_describe_tags(self)
    kind = self._get_param("ResourceType")
    found = [
        tagged
        for tagged in self.redshift_backend.describe_tags(None, None)
        if (not kind or tagged["ResourceType"] == kind)
        and (not keys or tagged["Tag"]["Key"] in keys)
        and (not values or tagged["Tag"]["Value"] in values)
    ]
    return ActionResult({"TaggedResources": found})


def describe_cluster_parameters(self):
    group = parameter_group_of(self)
    # In this family TLS is required unless somebody says otherwise.
    family = {"require_ssl": "true"} if group.family == "redshift-2.0" else {}
    own = getattr(group, "shim_parameters", {})
    everything = self.redshift_backend.describe_cluster_parameters(group.name)
    parameters = [
        {**each, "ParameterValue": own[each["ParameterName"]], "Source": "user"}
        if each["ParameterName"] in own
        else {**each, "ParameterValue": family.get(each["ParameterName"], each["ParameterValue"]), "IsModifiable": True}
        for each in everything
    ]
    source = self._get_param("Source")
    return ActionResult({"Parameters": [each for each in parameters if source in (None, each["Source"])]})


def modify_cluster_parameter_group(self):
    group = parameter_group_of(self)
    own = group.__dict__.setdefault("shim_parameters", {})
    for each in self._get_param("Parameters") or []:
        own[each["ParameterName"]] = each["ParameterValue"]
    return ActionResult({"ParameterGroupName": group.name, "ParameterGroupStatus": "updated"})


def parameter_group_of(self):
    name = self._get_param("ParameterGroupName")
    return self.redshift_backend.describe_cluster_parameter_groups(name)[0]


def modify_cluster_subnet_group(self):
    name = self._get_param("ClusterSubnetGroupName")
    group = self.redshift_backend.describe_cluster_subnet_groups(name)[0]
    group.subnet_ids = list(self._get_param("SubnetIds"))
    return ActionResult({"ClusterSubnetGroup": group})


def describe_orderable_cluster_options(self):
    wanted = self._get_param("NodeType")
    zones = [{"Name": f"{self.region}{letter}"} for letter in "abc"]
    options = [
        {"NodeType": node_type, "ClusterType": kind, "ClusterVersion": "1.0", "AvailabilityZones": zones}
        for node_type in NODE_TYPES
        for kind in (["single-node"] if node_type in SINGLE_NODE else []) + ["multi-node"]
        if wanted in (None, node_type)
    ]
    return ActionResult({"OrderableClusterOptions": options})


def get_cluster_credentials_with_iam(self):
    checked(self.redshift_backend, self._get_param("ClusterIdentifier"))
    seconds = self._get_int_param("DurationSeconds", 900)
    return ActionResult(
        {
            "DbUser": "IAM:tester",
            "DbPassword": accounts.temporary_password(self.current_account),
            "Expiration": datetime.now(timezone.utc) + timedelta(seconds=seconds),
        }
    )


def get_cluster_credentials(self, *arguments, **named):
    credentials = original_credentials(self, *arguments, **named)
    return {**credentials, "DbPassword": accounts.temporary_password(self.account_id)}


def vpc_of(cluster):
    group = cluster.redshift_backend.subnet_groups.get(cluster.cluster_subnet_group_name)
    if group:
        return group.vpc_id
    ec2 = ec2_backends[cluster.account_id][cluster.region]
    return ec2.get_default_vpc().id


def endpoint_of(cluster):
    if cluster.status in ("creating", "deleting", "final-snapshot"):
        return None
    chosen = settings_of(cluster)
    return {"Address": chosen["host"] or cluster.address, "Port": chosen["port"] or cluster.port}


def availability_of(cluster):
    known = {"available": "Available", "creating": "Modifying", "modifying": "Modifying"}
    return known.get(cluster.status, "Unavailable")


def roles_of(cluster):
    status = "adding" if cluster.shim_adding > 0 else "in-sync"
    return [{"ApplyStatus": status, "IamRoleArn": role} for role in cluster.iam_roles_arn]


def install():
    """Puts all of it in the place of moto's."""
    global original_create, original_modify, original_describe_snapshots, original_credentials
    global original_delete_subnet_group, original_delete_security_group, original_describe_tags
    original_create = RedshiftResponse.create_cluster
    original_modify = RedshiftResponse.modify_cluster
    original_describe_snapshots = RedshiftResponse.describe_cluster_snapshots
    original_credentials = RedshiftBackend.get_cluster_credentials
    original_describe_tags = RedshiftResponse.describe_tags
    original_delete_subnet_group = RedshiftResponse.delete_cluster_subnet_group
    original_delete_security_group = SecurityGroupBackend.delete_security_group
    for operation in [
        create_cluster,
        delete_cluster,
        delete_cluster_subnet_group,
        describe_cluster_parameters,
        describe_cluster_snapshots,
        describe_clusters,
        describe_orderable_cluster_options,
        describe_tags,
        get_cluster_credentials_with_iam,
        modify_cluster,
        modify_cluster_iam_roles,
        modify_cluster_parameter_group,
        modify_cluster_subnet_group,
        pause_cluster,
        resume_cluster,
    ]:
        setattr(RedshiftResponse, operation.__name__, operation)
    RedshiftBackend.get_cluster_credentials = get_cluster_credentials
    SecurityGroupBackend.delete_security_group = delete_security_group
    Cluster.shim_adding = 0
    Cluster.cluster_availability_status = property(availability_of)
    Cluster.endpoint = property(endpoint_of)
    Cluster.iam_roles = property(roles_of)
    Cluster.vpc_id = property(vpc_of)
    # AWS says that it is creating by itself here.
    RedshiftResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER = {}
