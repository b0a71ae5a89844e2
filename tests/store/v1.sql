BEGIN TRANSACTION;
CREATE TABLE attempt (
	usage_input_tokens BIGINT NOT NULL, 
	usage_output_tokens BIGINT NOT NULL, 
	usage_cost_usd FLOAT NOT NULL, 
	usage_context_share FLOAT, 
	"plan" VARCHAR NOT NULL, 
	task VARCHAR NOT NULL, 
	number INTEGER NOT NULL, 
	agent VARCHAR NOT NULL, 
	sandbox VARCHAR NOT NULL, 
	counted BOOLEAN NOT NULL, 
	outcome VARCHAR, 
	reason VARCHAR NOT NULL, 
	message VARCHAR NOT NULL, 
	exit_code INTEGER, 
	session_id VARCHAR NOT NULL, 
	head VARCHAR NOT NULL, 
	log VARCHAR NOT NULL, 
	prompt VARCHAR NOT NULL, 
	started_at FLOAT NOT NULL, 
	ended_at FLOAT NOT NULL, 
	setup_seconds FLOAT NOT NULL, 
	revision INTEGER NOT NULL, 
	PRIMARY KEY ("plan", task, number), 
	FOREIGN KEY("plan", task) REFERENCES task ("plan", id)
);
INSERT INTO "attempt" VALUES(0,0,0.0,NULL,'p','cart',1,'sh','none',1,'completed','','',0,'','e2ae9a74b2bbf5c71dab044e9ce92a43a24871b2','/home/ada/shop/.git/clerk/logs/p/cart/1/transcript.log','/home/ada/shop/.git/clerk/logs/p/cart/1/prompt.md',1.79544852993421316144e+09,1.79544853010766148563e+09,0.0,2);
INSERT INTO "attempt" VALUES(0,0,0.0,NULL,'p','till',1,'sh','none',1,'completed','','',0,'','987fa050cb7204ecab353393e504aa0944b3e146','/home/ada/shop/.git/clerk/logs/p/till/1/transcript.log','/home/ada/shop/.git/clerk/logs/p/till/1/prompt.md',1.79544852993856954574e+09,1.79544853011365032201e+09,0.0,2);
INSERT INTO "attempt" VALUES(0,0,0.0,NULL,'p','till',2,'sh','none',1,'no_change','','',0,'','987fa050cb7204ecab353393e504aa0944b3e146','/home/ada/shop/.git/clerk/logs/p/till/2/transcript.log','/home/ada/shop/.git/clerk/logs/p/till/2/prompt.md',1.79544853015508866305e+09,1.79544853021748924254e+09,0.0,2);
CREATE TABLE event (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	kind VARCHAR NOT NULL, 
	"plan" VARCHAR NOT NULL, 
	task VARCHAR NOT NULL, 
	attempt INTEGER NOT NULL, 
	message VARCHAR NOT NULL, 
	data VARCHAR NOT NULL, 
	at FLOAT NOT NULL
);
INSERT INTO "event" VALUES(1,'engine_started','','',0,'engine 11188 started','{}',1.79544852875088858609e+09);
INSERT INTO "event" VALUES(2,'plan_started','p','',0,'3 tasks for main','{}',1.79544852988110089295e+09);
INSERT INTO "event" VALUES(3,'baseline_verified','p','',0,'main passes every criterion; criteria green before any work: cart, till, paid','{"commit": "69e3a51ab50414146234bb95cdd203182e7fd764", "verdicts": {"unit": "passed"}}',1795448529.93133);
INSERT INTO "event" VALUES(4,'task_changed','p','cart',1,'session 1 with sh','{"from": "pending", "to": "running", "seconds": 0.0, "agent": "sh", "sandbox": "none"}',1.79544852993461012844e+09);
INSERT INTO "event" VALUES(5,'task_changed','p','till',1,'session 1 with sh','{"from": "pending", "to": "running", "seconds": 0.0, "agent": "sh", "sandbox": "none"}',1.79544852993878841394e+09);
INSERT INTO "event" VALUES(6,'task_changed','p','cart',1,'','{"from": "running", "to": "verifying", "seconds": 0.173}',1.79544853010769391065e+09);
INSERT INTO "event" VALUES(7,'task_changed','p','till',1,'','{"from": "running", "to": "verifying", "seconds": 0.175}',1.79544853011376762388e+09);
INSERT INTO "event" VALUES(8,'check_ended','p','till',0,'unit failed','{"check": "unit", "verdict": "failed", "seconds": 0.007}',1.7954485301441333294e+09);
INSERT INTO "event" VALUES(9,'verification_ended','p','till',1,'branch failed: unit failed','{"purpose": "branch", "commit": "987fa050cb7204ecab353393e504aa0944b3e146", "tree": "d20c2eea579be8ca10e6e18330147d251933e6b0", "verdicts": {"unit": "failed"}, "seconds": 0.029}',1.79544853015146255495e+09);
INSERT INTO "event" VALUES(10,'task_changed','p','till',1,'unit did not pass','{"from": "verifying", "to": "retry_queued", "seconds": 0.039}',1.79544853015281033513e+09);
INSERT INTO "event" VALUES(11,'task_changed','p','till',2,'session 2 with sh','{"from": "retry_queued", "to": "running", "seconds": 0.002, "agent": "sh", "sandbox": "none"}',1.79544853015530228614e+09);
INSERT INTO "event" VALUES(12,'check_ended','p','cart',0,'unit passed','{"check": "unit", "verdict": "passed", "seconds": 0.027}',1.79544853016220068929e+09);
INSERT INTO "event" VALUES(13,'verification_ended','p','cart',1,'branch passed: unit passed','{"purpose": "branch", "commit": "e2ae9a74b2bbf5c71dab044e9ce92a43a24871b2", "tree": "b804b8ec6e1504fd5f8968d363be806acdd9a11f", "verdicts": {"unit": "passed"}, "seconds": 0.049}',1.79544853016662073132e+09);
INSERT INTO "event" VALUES(14,'task_changed','p','cart',1,'','{"from": "verifying", "to": "verified", "seconds": 0.06}',1.79544853016762065889e+09);
INSERT INTO "event" VALUES(15,'task_changed','p','cart',1,'candidate 72551e818 is being verified','{"from": "verified", "to": "merging", "seconds": 0.024, "candidate": "72551e81899771a6b7e229eedf9ec0073a2e1858", "target": "69e3a51ab50414146234bb95cdd203182e7fd764"}',1.79544853019140505795e+09);
INSERT INTO "event" VALUES(16,'verification_ended','p','cart',1,'candidate passed: unit cached passed','{"purpose": "candidate", "commit": "72551e81899771a6b7e229eedf9ec0073a2e1858", "tree": "b804b8ec6e1504fd5f8968d363be806acdd9a11f", "verdicts": {"unit": "passed"}, "seconds": 0.001}',1.79544853019863653179e+09);
INSERT INTO "event" VALUES(17,'task_changed','p','cart',1,'','{"from": "merging", "to": "merged", "seconds": 0.022, "commit": "72551e81899771a6b7e229eedf9ec0073a2e1858", "base": "69e3a51ab50414146234bb95cdd203182e7fd764"}',1.79544853021307373045e+09);
INSERT INTO "event" VALUES(18,'task_merged','p','cart',0,'landed as 72551e818','{"commit": "72551e81899771a6b7e229eedf9ec0073a2e1858", "base": "69e3a51ab50414146234bb95cdd203182e7fd764"}',1.79544853021515297885e+09);
INSERT INTO "event" VALUES(19,'task_changed','p','till',2,'said it was done but changed nothing, after 2 attempts','{"from": "running", "to": "failed", "seconds": 0.062}',1.7954485302175121307e+09);
INSERT INTO "event" VALUES(20,'task_changed','p','paid',0,'''till'' failed','{"from": "pending", "to": "cancelled", "seconds": 0.0}',1.79544853022068834303e+09);
INSERT INTO "event" VALUES(21,'plan_settled','p','',0,'1 of 3 tasks merged','{}',1.79544853022450494762e+09);
CREATE TABLE meta (
	"key" VARCHAR NOT NULL, 
	value BIGINT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema',1);
INSERT INTO "meta" VALUES('generation',1);
CREATE TABLE "plan" (
	name VARCHAR NOT NULL, 
	source VARCHAR NOT NULL, 
	source_hash VARCHAR NOT NULL, 
	path VARCHAR NOT NULL, 
	folder VARCHAR NOT NULL, 
	target VARCHAR NOT NULL, 
	merge VARCHAR NOT NULL, 
	sandbox VARCHAR NOT NULL, 
	update_checkout BOOLEAN NOT NULL, 
	paused BOOLEAN NOT NULL, 
	started_at FLOAT NOT NULL, 
	settled_at FLOAT NOT NULL, 
	position INTEGER NOT NULL, 
	revision INTEGER NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "plan" VALUES('p','clerk: 1
name: p
agent: sh
agents:
  sh:
    type: command
    run: sh $CLERK_SCRIPTS/{task}.{attempt}.sh
checks:
  unit:
    run: sh check.sh
worktree:
  env:
    CLERK_SCRIPTS: /home/ada/scripts
    GATES: /home/ada/gates
budget:
  attempts: 2
tasks:
- id: cart
  title: Task cart
  brief: Do cart.
  done_when:
  - unit
- id: till
  title: Task till
  brief: Do till.
  done_when:
  - unit
- id: paid
  title: Task paid
  brief: Do paid.
  done_when:
  - unit
  after:
  - till
','cd689aeb11f24628c86a5292fba99b4980bb956bd810a19ae5259161eddc8924','/home/ada/p.yaml','/home/ada','main','auto','none',0,0,1.79544852987825274471e+09,1.79544853022348046295e+09,0,2);
CREATE TABLE task (
	usage_input_tokens BIGINT NOT NULL, 
	usage_output_tokens BIGINT NOT NULL, 
	usage_cost_usd FLOAT NOT NULL, 
	usage_context_share FLOAT, 
	"plan" VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	position INTEGER NOT NULL, 
	branch VARCHAR NOT NULL, 
	base VARCHAR NOT NULL, 
	head VARCHAR NOT NULL, 
	verified_head VARCHAR NOT NULL, 
	verified_at FLOAT NOT NULL, 
	sessions INTEGER NOT NULL, 
	attempts_used INTEGER NOT NULL, 
	attempts_extra INTEGER NOT NULL, 
	sent_back INTEGER NOT NULL, 
	verify_errors INTEGER NOT NULL, 
	granted_tokens BIGINT NOT NULL, 
	granted_cost FLOAT NOT NULL, 
	session_id VARCHAR NOT NULL, 
	retry_at FLOAT NOT NULL, 
	feedback VARCHAR NOT NULL, 
	note VARCHAR NOT NULL, 
	sync_target BOOLEAN NOT NULL, 
	paused BOOLEAN NOT NULL, 
	approved_head VARCHAR NOT NULL, 
	settled_by VARCHAR NOT NULL, 
	merge_requested BOOLEAN NOT NULL, 
	held VARCHAR NOT NULL, 
	intent VARCHAR NOT NULL, 
	intent_base VARCHAR NOT NULL, 
	merged_commit VARCHAR NOT NULL, 
	changed_at FLOAT NOT NULL, 
	revision INTEGER NOT NULL, 
	PRIMARY KEY ("plan", id), 
	FOREIGN KEY("plan") REFERENCES "plan" (name)
);
INSERT INTO "task" VALUES(0,0,0.0,NULL,'p','cart','merged','',0,'clerk/p/cart','69e3a51ab50414146234bb95cdd203182e7fd764','e2ae9a74b2bbf5c71dab044e9ce92a43a24871b2','e2ae9a74b2bbf5c71dab044e9ce92a43a24871b2',1.79544853016761064533e+09,1,1,0,0,0,0,0.0,'',0.0,'','',0,0,'','',0,'','72551e81899771a6b7e229eedf9ec0073a2e1858','69e3a51ab50414146234bb95cdd203182e7fd764','72551e81899771a6b7e229eedf9ec0073a2e1858',1.79544853021307373045e+09,7);
INSERT INTO "task" VALUES(0,0,0.0,NULL,'p','till','failed','said it was done but changed nothing, after 2 attempts',1,'clerk/p/till','69e3a51ab50414146234bb95cdd203182e7fd764','987fa050cb7204ecab353393e504aa0944b3e146','',0.0,2,2,0,0,0,0,0.0,'',0.0,'Your work was verified on a clean checkout of your branch and did not pass:

```text
FAIL unit | exit 1 | output not parsed | 0s | target: green
  exit code 1
  output:
    b.txt
  full log: /home/ada/shop/.git/clerk/logs/p/till/checks/1-987fa050cb72/unit.log
```','',0,0,'','',0,'','','','',1.7954485302175121307e+09,7);
INSERT INTO "task" VALUES(0,0,0.0,NULL,'p','paid','cancelled','''till'' failed',2,'clerk/p/paid','','','',0.0,0,0,0,0,0,0,0.0,'',0.0,'','',0,0,'','till',0,'','','','',1.79544853022068834303e+09,2);
CREATE TABLE verification (
	id INTEGER NOT NULL, 
	"plan" VARCHAR NOT NULL, 
	task VARCHAR NOT NULL, 
	attempt INTEGER NOT NULL, 
	purpose VARCHAR NOT NULL, 
	"commit" VARCHAR NOT NULL, 
	tree VARCHAR NOT NULL, 
	verdict VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	results VARCHAR NOT NULL, 
	started_at FLOAT NOT NULL, 
	ended_at FLOAT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY("plan") REFERENCES "plan" (name)
);
INSERT INTO "verification" VALUES(1,'p','',0,'baseline','69e3a51ab50414146234bb95cdd203182e7fd764','62e47408e85681ff3a8a272b5f6613d11fb1ac41','passed','','[{"check":"unit","kind":"unit","command":"sh check.sh","verdict":"passed","report":{"parsed":false,"passed":0,"failed":0,"errored":0,"skipped":0,"flaky":0,"failures":[],"tail":""},"exit_code":0,"seconds":0.007,"cached":false,"skipped":false,"reason":"","log":"/home/ada/shop/.git/clerk/logs/p/baseline/unit.log"}]',1.79544852989922809607e+09,1.79544852992822813984e+09);
INSERT INTO "verification" VALUES(2,'p','till',1,'branch','987fa050cb7204ecab353393e504aa0944b3e146','d20c2eea579be8ca10e6e18330147d251933e6b0','failed','FAIL unit | exit 1 | output not parsed | 0s | target: green
  exit code 1
  output:
    b.txt
  full log: /home/ada/shop/.git/clerk/logs/p/till/checks/1-987fa050cb72/unit.log','[{"check":"unit","kind":"unit","command":"sh check.sh","verdict":"failed","report":{"parsed":false,"passed":0,"failed":0,"errored":0,"skipped":0,"flaky":0,"failures":[],"tail":"b.txt"},"exit_code":1,"seconds":0.007,"cached":false,"skipped":false,"reason":"exit code 1","log":"/home/ada/shop/.git/clerk/logs/p/till/checks/1-987fa050cb72/unit.log"}]',1.79544853011814022061e+09,1.79544853014714026447e+09);
INSERT INTO "verification" VALUES(3,'p','cart',1,'branch','e2ae9a74b2bbf5c71dab044e9ce92a43a24871b2','b804b8ec6e1504fd5f8968d363be806acdd9a11f','passed','','[{"check":"unit","kind":"unit","command":"sh check.sh","verdict":"passed","report":{"parsed":false,"passed":0,"failed":0,"errored":0,"skipped":0,"flaky":0,"failures":[],"tail":""},"exit_code":0,"seconds":0.027,"cached":false,"skipped":false,"reason":"","log":"/home/ada/shop/.git/clerk/logs/p/cart/checks/1-e2ae9a74b2bb/unit.log"}]',1.79544853011700510981e+09,1.79544853016600513455e+09);
INSERT INTO "verification" VALUES(4,'p','cart',1,'candidate','72551e81899771a6b7e229eedf9ec0073a2e1858','b804b8ec6e1504fd5f8968d363be806acdd9a11f','passed','','[{"check":"unit","kind":"unit","command":"sh check.sh","verdict":"passed","report":{"parsed":false,"passed":0,"failed":0,"errored":0,"skipped":0,"flaky":0,"failures":[],"tail":""},"exit_code":0,"seconds":0.027,"cached":true,"skipped":false,"reason":"","log":"/home/ada/shop/.git/clerk/logs/p/cart/checks/1-e2ae9a74b2bb/unit.log"}]',1.79544853019677162165e+09,1.79544853019777154922e+09);
CREATE INDEX event_subject ON event ("plan", task, seq);
CREATE INDEX verification_newest ON verification ("plan", task, purpose, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('event',21);
COMMIT;
