#include <filesystem>
#include "gtest/gtest.h"
#include "base/proto_time.h"
#include "storage/sqlite/state_store.h"
namespace lapse::storage {
using namespace lapse::v1;
using lapse::internal::v1::MonitorChange;
static RecordedMonitorChange Ch(int64_t pos, int idx, MonitorChange::Action a, std::string id, int rev, std::string req) {
  RecordedMonitorChange r{pos, idx, {}};
  r.change.set_action(a);
  r.change.set_request_id(req);
  Monitor& m = *r.change.mutable_monitor();
  m.set_name("monitors/" + id); m.set_uid("0190b1c2-0000-7000-8000-0000000000" + id.substr(0,2)); m.set_revision(rev);
  m.set_etag("e" + std::to_string(rev)); m.set_display_name(id); m.set_severity(Monitor::SEVERITY_CRITICAL);
  m.add_notifiers("notifiers/mail");
  auto* f = m.mutable_follow_up();
  f->mutable_primary()->set_event_type("order_created"); f->mutable_primary()->set_key_attribute("order_id");
  f->mutable_secondary()->set_event_type("order_delivered"); f->mutable_secondary()->set_key_attribute("order_id");
  SetDuration(2700 * 1000000ll, f->mutable_within());
  return r;
}
static Alert A(std::string id, int v, Alert::State s, std::vector<std::string> n) {
  Alert a; a.set_name("alerts/" + id); a.set_version(v); a.set_state(s);
  a.set_reason(s == Alert::STATE_FIRING ? Alert::REASON_DEADLINE_PASSED : Alert::REASON_FOLLOWED_LATE);
  a.set_monitor("monitors/order-delivered"); a.set_monitor_uid("0190b1c2-0000-7000-8000-0000000000or"); a.set_revision(2);
  a.set_key("A-" + id); a.set_expected_event_type("order_delivered"); a.mutable_primary_event()->set_type("order_created");
  a.mutable_primary_event()->set_sequence(17);
  SetTimestamp(1717200000000000, a.mutable_due_time());
  for (auto& x : n) a.add_notifiers("notifiers/" + x);
  return a;
}
TEST(Gen, Gen) {
  std::filesystem::remove_all("/tmp/h_gen"); std::filesystem::create_directories("/tmp/h_gen");
  auto s = SqliteStateStore::Open("/tmp/h_gen/state.db").value();
  const int64_t t = 1717200000000000;
  for (auto& c : {Ch(1,0,MonitorChange::ACTION_CREATE,"order-delivered",1,"req-1"), Ch(3,0,MonitorChange::ACTION_UPDATE,"order-delivered",2,""),
                  Ch(4,1,MonitorChange::ACTION_CREATE,"paid",1,""), Ch(9,0,MonitorChange::ACTION_DELETE,"paid",1,"")})
    ASSERT_TRUE(s->RecordMonitorChange(c, t + c.position).ok());
  for (std::string n : {"mail", "pager"}) {
    Notifier x; x.set_name("notifiers/" + n); x.set_uid("uid-" + n); x.set_etag("1"); x.mutable_email()->set_host("smtp.example.com");
    x.mutable_email()->set_from("lapse@example.com"); x.mutable_email()->add_to("oncall@example.com");
    ASSERT_TRUE(s->CreateNotifier(x, "req-" + n, t).ok());
  }
  auto F = Alert::STATE_FIRING; auto R = Alert::STATE_RESOLVED;
  ASSERT_TRUE(s->CommitAlerts({{A("a1",1,F,{"mail","pager"}),true},{A("b2",1,F,{"mail"}),true}}, t+1000).ok());
  ASSERT_TRUE(s->CommitAlerts({{A("a1",2,R,{"mail","pager"}),true},{A("c3",1,R,{"mail"}),false}}, t+2000).ok());
  ASSERT_TRUE(s->CommitAlerts({{A("a1",3,F,{"mail","pager"}),true}}, t+3000).ok());
  DeliveryTry y; y.set_error("451 try later"); y.set_status_code(451);
  ASSERT_TRUE(s->RecordTry("notifiers/mail/deliveries/1", y, Delivery::STATE_PENDING, t+9000).ok());
  DeliveryTry z; z.set_status_code(250);
  ASSERT_TRUE(s->RecordTry("notifiers/pager/deliveries/2", z, Delivery::STATE_SENT, 0).ok());
  ASSERT_TRUE(s->RecordTry("notifiers/mail/deliveries/3", z, Delivery::STATE_DEAD, 0).ok());
  EventType e; e.set_type("order_created"); e.set_event_count(17); auto* at = e.add_attributes(); at->set_name("order_id"); at->add_kinds(AttributeType::KIND_STRING);
  ASSERT_TRUE(s->SaveEventTypes({e}, 9).ok());
  for (auto& d : s->ListDeliveries("","",{},INT64_MAX,100).value()) printf("%s\n", d.delivery.ShortDebugString().c_str());
}
}
