//! Three nodes of a Galera cluster, each with a server of its own: a lock is known to one node alone, so that what may
//! happen once must be decided where the nodes compare what was written (`./test cluster` starts them).

mod many;

use crate::clinic::servers::Replicas;
use crate::race::of_two_hundred_one_gets_it;

#[tokio::test]
async fn case_194_of_two_hundred_who_want_one_time_on_three_nodes_one_gets_it() {
    let Some(servers) = Replicas::on_cluster().await else {
        return;
    };
    assert!(servers.bases.len() >= 3, "a cluster has three nodes");
    of_two_hundred_one_gets_it(&servers).await;
    servers.close().await;
}
