/// A client's lists leave out what is terminated, and what was terminated over the years is much more
/// than what is there: these find a page without stepping over it.
let schema0009 = """
  CREATE INDEX vps_listed ON vps (client_id, id) WHERE service_status <> 'terminated';
  CREATE INDEX vps_listed_name ON vps (client_id, name_folded, id)
    WHERE service_status <> 'terminated';
  CREATE INDEX vps_listed_primary_ip ON vps (client_id, primary_ip, id)
    WHERE service_status <> 'terminated';
  """
