//! What IAM checks for a call that came by: actions, resources, and what conditions ask about.
//!
//! It is our reading of AWS's service authorization reference. Whoever calls gives the role away and sets tags in
//! the same request, for which AWS asks for permissions of their own.

use serde_json::Value;
use sparkify_testkit::HttpCall;

/// One permission that a call takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Needed {
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) context: Vec<(&'static str, String)>,
}

/// A form, decoded.
fn form(body: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'+' => b' ',
                b'%' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => other,
            });
        }
        String::from_utf8(bytes).unwrap()
    };
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

/// A request in the protocol with forms, or in the one with JSON.
struct Parameters {
    form: Vec<(String, String)>,
    json: Value,
}

impl Parameters {
    fn of(call: &HttpCall) -> Self {
        let (_, body) = call.request.split_once("\r\n\r\n").unwrap();
        match serde_json::from_str(body) {
            Ok(json) => Self { form: Vec::new(), json },
            Err(_) => Self { form: form(body), json: Value::Null },
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.form.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str()).or_else(|| self.json[name].as_str())
    }

    /// A parameter that must be there.
    fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_else(|| panic!("{name}: {:?} {}", self.form, self.json))
    }

    fn has(&self, prefix: &str) -> bool {
        self.form.iter().any(|(name, _)| name.starts_with(prefix))
            || self.json[prefix].as_array().is_some_and(|list| !list.is_empty())
    }
}

/// What the call takes, in that account; nothing for those that need no permission.
pub(crate) fn of(account: &str, call: &HttpCall) -> Vec<Needed> {
    let (service, name) = call.operation.split_once(':').unwrap();
    let parameters = Parameters::of(call);
    let arn = |service: &str, rest: &str| format!("arn:aws:{service}:us-west-2:{account}:{rest}");
    let needed =
        |action: &str, resource: String| Needed { action: action.to_owned(), resource, context: Vec::new() };
    let reads = ["Describe", "Get", "List"].iter().any(|verb| name.starts_with(verb));
    match service {
        "sts" => Vec::new(),
        "iam" => {
            let resource = parameters.get("RoleName").map_or_else(
                || "*".to_owned(),
                |role| format!("arn:aws:iam::{account}:role/sparkify/{role}"),
            );
            vec![needed(&call.operation, resource)]
        }
        "secretsmanager" => vec![needed(&call.operation, "*".to_owned())],
        "s3" => vec![of_s3(name)],
        "ec2" if reads => vec![needed(&call.operation, "*".to_owned())],
        "ec2" => {
            let group = |id: &str| arn("ec2", &format!("security-group/{id}"));
            match name {
                "CreateSecurityGroup" => vec![
                    needed(&call.operation, group("new")),
                    needed(&call.operation, arn("ec2", &format!("vpc/{}", parameters.text("VpcId")))),
                    needed("ec2:CreateTags", group("new")),
                ],
                "CreateTags" => vec![needed(&call.operation, group(parameters.text("ResourceId.1")))],
                _ => vec![Needed {
                    context: vec![("aws:ResourceTag/sparkify:deployment", "music".to_owned())],
                    ..needed(&call.operation, group(parameters.text("GroupId")))
                }],
            }
        }
        "redshift" => of_redshift(account, &call.operation, &parameters),
        "redshift-serverless" if reads && name != "GetCredentials" => {
            vec![needed(&call.operation, "*".to_owned())]
        }
        "redshift-serverless" => {
            let kind = ["Workgroup", "Namespace", "UsageLimit"].into_iter().find(|kind| name.ends_with(kind));
            let resource = match (name, kind) {
                ("TagResource", _) => parameters.text("resourceArn").to_owned(),
                // Their ARNs have ids that are given when they are made.
                (_, kind) => arn(service, &format!("{}/an-id", kind.unwrap_or("Workgroup").to_lowercase())),
            };
            let mut all = vec![needed(&call.operation, resource.clone())];
            if parameters.has("tags") {
                all.push(needed("redshift-serverless:TagResource", resource.clone()));
            }
            if parameters.get("finalSnapshotName").is_some() {
                all.push(needed("redshift-serverless:CreateSnapshot", resource));
            }
            for role in parameters.json["iamRoles"].as_array().into_iter().flatten() {
                all.push(pass(role.as_str().unwrap(), "redshift-serverless.amazonaws.com"));
            }
            all
        }
        _ => panic!("{}", call.operation),
    }
}

fn pass(role: &str, service: &str) -> Needed {
    Needed {
        action: "iam:PassRole".to_owned(),
        resource: role.to_owned(),
        context: vec![("iam:PassedToService", service.to_owned())],
    }
}

/// `GET /bucket?…`, `HEAD /bucket` or `HEAD /bucket/key`.
fn of_s3(line: &str) -> Needed {
    let path = line.split_once(' ').unwrap().1.split('?').next().unwrap().trim_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let (action, rest) = match key {
        "" => ("s3:ListBucket", bucket.to_owned()),
        key => ("s3:GetObject", format!("{bucket}/{key}")),
    };
    Needed { action: action.to_owned(), resource: format!("arn:aws:s3:::{rest}"), context: Vec::new() }
}

fn of_redshift(account: &str, operation: &str, parameters: &Parameters) -> Vec<Needed> {
    let needed = |action: &str, rest: String| Needed {
        action: action.to_owned(),
        resource: format!("arn:aws:redshift:us-west-2:{account}:{rest}"),
        context: Vec::new(),
    };
    let name = operation.split_once(':').unwrap().1;
    if name.starts_with("Describe") {
        return vec![Needed { action: operation.to_owned(), resource: "*".to_owned(), context: Vec::new() }];
    }
    if name == "CreateTags" {
        let resource = parameters.text("ResourceName").to_owned();
        return vec![Needed { action: operation.to_owned(), resource, context: Vec::new() }];
    }
    if name == "GetClusterCredentials" {
        let cluster = parameters.text("ClusterIdentifier");
        return vec![
            needed(operation, format!("dbuser:{cluster}/{}", parameters.text("DbUser"))),
            needed(operation, format!("dbname:{cluster}/{}", parameters.text("DbName"))),
        ];
    }
    let resource = match name {
        name if name.contains("ParameterGroup") => {
            format!("parametergroup:{}", parameters.text("ParameterGroupName"))
        }
        name if name.contains("SubnetGroup") => {
            format!("subnetgroup:{}", parameters.text("ClusterSubnetGroupName"))
        }
        _ => format!("cluster:{}", parameters.text("ClusterIdentifier")),
    };
    let mut all = vec![needed(operation, resource.clone())];
    if parameters.has("Tags.") {
        all.push(needed("redshift:CreateTags", resource));
    }
    if let Some(snapshot) = parameters.get("FinalClusterSnapshotIdentifier") {
        let cluster = parameters.text("ClusterIdentifier");
        all.push(needed("redshift:CreateClusterSnapshot", format!("snapshot:{cluster}/{snapshot}")));
    }
    for list in ["IamRoles.", "AddIamRoles."] {
        let roles = parameters.form.iter().filter(|(name, _)| name.starts_with(list));
        all.extend(roles.map(|(_, role)| pass(role, "redshift.amazonaws.com")));
    }
    all
}
