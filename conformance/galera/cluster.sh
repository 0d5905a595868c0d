# Three nodes of a Galera cluster on loopback, for `./test cluster`, which sources this. Nothing of the machine is used but
# the installed programs: data, sockets and logs are in the temporary folder, and all of it is gone afterwards.
# shellcheck shell=bash disable=SC2154  # work, group, spawned and the like are ./test's

readonly NODES=3
readonly GALERA_PROVIDERS=(/usr/lib/galera/libgalera_smm.so /usr/lib64/galera-4/libgalera_smm.so /usr/lib/libgalera_smm.so)

node_user=()
galera_ports=() group_ports=() state_ports=() catch_up_ports=()

# The packages that are missing; a name a line.
galera_missing() {
  galera_provider >/dev/null || echo galera-4
  command -v rsync >/dev/null || echo rsync
  command -v lsof >/dev/null || command -v ss >/dev/null || echo iproute2
}

galera_provider() {
  local one
  for one in "${GALERA_PROVIDERS[@]}"; do
    if [[ -e $one ]]; then
      printf '%s\n' "$one"
      return 0
    fi
  done
  return 1
}

# The scripts that copy a node's data to a new one are in Debian's mariadb-server, whose installation also starts a server
# of the machine. Only the scripts are wanted, so its package is unpacked into target/ and not installed.
galera_scripts() {
  local version folder
  # A server started by root gives its rights away, and so does the rsync that a node starts.
  if ((EUID == 0)); then
    node_user=(--user=nobody)
    chmod 711 "$work"
  fi
  if command -v wsrep_sst_rsync >/dev/null; then return 0; fi
  version=$(dpkg-query -W -f='${Version}' mariadb-server-core) || die "which mariadb-server-core is installed?"
  folder="${CARGO_TARGET_DIR:-target}/galera/${version//[^0-9A-Za-z.]/-}"
  if [[ ! -x $folder/usr/bin/wsrep_sst_rsync ]]; then
    say "unpacking mariadb-server $version for its wsrep_sst_rsync"
    mkdir -p "$folder" "$work/deb"
    (cd "$work/deb" && apt-get -qq download "mariadb-server=$version") >"$work/deb.log" 2>&1 ||
      { cat "$work/deb.log"; die "apt-get could not download mariadb-server"; }
    dpkg-deb --extract "$work"/deb/mariadb-server_*.deb "$folder" || die "the package could not be unpacked"
  fi
  # Where everybody may read them.
  mkdir "$work/bin"
  install -m 755 "$folder"/usr/bin/wsrep_sst_{rsync,common} "$work/bin"
  PATH="$PATH:$work/bin"
}

# node_sql N STATEMENT: as root on that node's socket.
node_sql() {
  mariadb --no-defaults --socket="$work/node$1.tmp/sock" --user=root --batch --skip-column-names --execute "$2"
}

node_state() {
  node_sql "$1" "SELECT GROUP_CONCAT(VARIABLE_VALUE ORDER BY VARIABLE_NAME) FROM information_schema.GLOBAL_STATUS
    WHERE VARIABLE_NAME IN ('wsrep_cluster_size', 'wsrep_local_state_comment')" 2>/dev/null || true
}

# start_node N ADDRESS SIZE: a node that joins the cluster at the address, and is one of so many then.
start_node() {
  local node=$1 address=$2 size=$3 first=() server tries
  if [[ $address == gcomm:// ]]; then first=(--wsrep-new-cluster); fi
  # Its own port for each thing a node listens on. A group that waits long for a slow machine stays one.
  spawn "$work/node$node.log" env TMPDIR="$work/node$node.tmp" mariadbd --no-defaults "${node_user[@]}" --datadir="$work/node$node" --tmpdir="$work/node$node.tmp" \
    --port="${galera_ports[node]}" --bind-address=127.0.0.1 --socket="$work/node$node.tmp/sock" --pid-file="$work/node$node.tmp/pid" \
    --skip-name-resolve --binlog-format=ROW --default-storage-engine=InnoDB --innodb-autoinc-lock-mode=2 \
    --innodb-flush-log-at-trx-commit=2 --innodb-buffer-pool-size=64M --innodb-log-file-size=32M --max-connections=200 \
    --wsrep-on=ON --wsrep-provider="$(galera_provider)" "${first[@]}" --wsrep-cluster-name=anteroom \
    --wsrep-cluster-address="$address" --wsrep-node-name="node$node" --wsrep-node-address=127.0.0.1 \
    --wsrep-sst-method=rsync --wsrep-sst-receive-address="127.0.0.1:${state_ports[node]}" \
    --wsrep-provider-options="base_host=127.0.0.1;base_port=${group_ports[node]};gmcast.listen_addr=tcp://127.0.0.1:${group_ports[node]};ist.recv_addr=127.0.0.1:${catch_up_ports[node]};gcache.size=64M;evs.suspect_timeout=PT20S;evs.inactive_timeout=PT40S;evs.install_timeout=PT40S;pc.wait_prim_timeout=PT60S"
  server=$group
  for ((tries = 0; tries < 900; tries++)); do
    if [[ $(node_state "$node") == "$size,Synced" ]]; then return 0; fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  for ((tries = 0; tries <= node; tries++)); do tail -n 30 "$work/node$tries.log"; done
  die "node $node of the cluster did not start"
}

# Three nodes that know each other. Sets ANTEROOM_TEST_GALERA: their URLs without a database, blanks between them.
start_galera() {
  local secret node urls=() tries
  for ((node = 0; node < NODES; node++)); do
    galera_ports+=("$(free_port)") group_ports+=("$(free_port)") state_ports+=("$(free_port)") catch_up_ports+=("$(free_port)")
    mkdir "$work/node$node" "$work/node$node.tmp"
    if ((EUID == 0)); then chown nobody "$work/node$node" "$work/node$node.tmp"; fi
  done
  secret=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
  TMPDIR="$work/node0.tmp" mariadb-install-db --no-defaults --datadir="$work/node0" --auth-root-authentication-method=normal --skip-test-db \
    "${node_user[@]}" \
    >"$work/install.log" 2>&1 || { cat "$work/install.log"; die "mariadb-install-db failed"; }
  start_node 0 gcomm:// 1
  node_sql 0 "DROP USER IF EXISTS ''@'localhost'; CREATE USER 'tester'@'127.0.0.1' IDENTIFIED BY '$secret';
    GRANT ALL PRIVILEGES ON *.* TO 'tester'@'127.0.0.1' WITH GRANT OPTION" || die "the first node takes no account"
  for ((node = 1; node < NODES; node++)); do
    start_node "$node" "gcomm://127.0.0.1:${group_ports[0]}" "$((node + 1))"
  done
  for ((node = 0; node < NODES; node++)); do
    for ((tries = 0; tries < 300; tries++)); do
      if [[ $(node_state "$node") == "$NODES,Synced" ]]; then break; fi
      sleep 0.1
    done
    [[ $(node_state "$node") == "$NODES,Synced" ]] || die "node $node is not in a cluster of $NODES: $(node_state "$node")"
    urls+=("mysql://tester:$secret@127.0.0.1:${galera_ports[node]}")
  done
  export ANTEROOM_TEST_GALERA="${urls[*]}"
}

check_cluster() {
  step "cargo test of the cluster" cargo test -p anteroom --test all cluster:: -- --nocapture || true
}
