//! What a stack's status means for a deployment.

use serde_json::Value;

/// The three things that a CloudFormation status can mean to someone who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StackState {
    /// The stack is as the template says.
    Ready,
    /// It is not, and will not become so by waiting.
    Failed,
    /// Something is under way.
    Moving,
}

impl StackState {
    /// Reads a `StackStatus`.
    pub fn of(status: &str) -> Self {
        match status {
            // Old resources are still being removed, but the new ones are in place.
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" | "IMPORT_COMPLETE" => Self::Ready,
            // A change set that was refused leaves a stack that has nothing yet.
            "REVIEW_IN_PROGRESS" => Self::Moving,
            status if status.ends_with("_IN_PROGRESS") => Self::Moving,
            _ => Self::Failed,
        }
    }
}

/// Whether a stack with this status can only be deleted, not deployed over.
pub fn must_be_removed(status: &str) -> bool {
    matches!(status, "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" | "REVIEW_IN_PROGRESS" | "DELETE_FAILED")
}

/// The failed events of the last operation in what `describe-stack-events` answers, oldest first: the first one is the
/// cause, and those that were merely cancelled because of it are left out.
pub fn failures(events: &Value) -> Vec<String> {
    let text = |event: &Value, name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let events = events.get("StackEvents").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut lines = Vec::new();
    // Newest first. The last operation begins where the stack itself began to be created or updated.
    for event in events {
        let status = text(event, "ResourceStatus");
        let reason = text(event, "ResourceStatusReason");
        let is_stack = text(event, "ResourceType") == "AWS::CloudFormation::Stack"
            && text(event, "PhysicalResourceId") == text(event, "StackId");
        if is_stack && matches!(status.as_str(), "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS") {
            break;
        }
        if status.ends_with("_FAILED") && !reason.starts_with("Resource creation cancelled") {
            lines.push(format!("{} ({}) {status}: {reason}", text(event, "LogicalResourceId"), text(event, "ResourceType")));
        }
    }
    lines.reverse();
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rollback_is_a_failure_even_when_complete() {
        assert_eq!(StackState::of("UPDATE_COMPLETE"), StackState::Ready);
        assert_eq!(StackState::of("UPDATE_ROLLBACK_COMPLETE"), StackState::Failed);
        assert_eq!(StackState::of("ROLLBACK_IN_PROGRESS"), StackState::Moving);
        assert_eq!(StackState::of("CREATE_FAILED"), StackState::Failed);
        assert_eq!(StackState::of(""), StackState::Failed);
    }

    #[test]
    fn only_the_last_operations_causes_are_told_oldest_first() {
        let stack = |status: &str| {
            json!({
                "ResourceType": "AWS::CloudFormation::Stack", "ResourceStatus": status, "LogicalResourceId": "carryout",
                "StackId": "arn:x", "PhysicalResourceId": "arn:x",
            })
        };
        let resource = |name: &str, status: &str, reason: &str| {
            json!({
                "ResourceType": "AWS::Lambda::Function", "ResourceStatus": status, "LogicalResourceId": name,
                "ResourceStatusReason": reason, "StackId": "arn:x", "PhysicalResourceId": "p",
            })
        };
        let events = json!({ "StackEvents": [
            resource("C", "CREATE_FAILED", "Resource creation cancelled"),
            resource("B", "CREATE_FAILED", "second"),
            resource("A", "CREATE_FAILED", "first"),
            stack("UPDATE_IN_PROGRESS"),
            resource("Old", "CREATE_FAILED", "earlier deployment"),
        ]});
        assert_eq!(
            failures(&events),
            ["A (AWS::Lambda::Function) CREATE_FAILED: first", "B (AWS::Lambda::Function) CREATE_FAILED: second",]
        );
        assert!(failures(&json!(null)).is_empty());
    }
}
