"""Judges one exercise of one submission: asks the worker, compares, and explains what failed.

It returns a result and prints nothing. Everything that student code does comes back as an answer
with a status; an exception here is a fault of the grader.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property

from autograder.bank import Bank, Banks, Seed
from autograder.diagnose import explain
from autograder.isolation import ladder
from autograder.isolation.calls import Answer
from autograder.isolation.limits import DEFAULT, Limits
from autograder.isolation.parent import Session
from autograder.judgement import Failure, judge_case
from autograder.spec import Exercise, Law
from autograder.submissions import Submission
from autograder.verdict import ExerciseResult, LawResult, Status, Verdict

# Of a structural law's cases, this share must have been answered for it to be judged at all.
ENOUGH_ANSWERS = 0.5
# So many of the functions that passed are asked once more, in another order.
SAMPLE = 4


@dataclass(frozen=True)
class Engine:
    """Judges with one seed; the counterexamples that students see are always public cases.

    Workers are forked from one server, which is started when first needed, at the best level of
    isolation that can be proven; NotIsolated if that is below `required`, or is not `level` where
    one is given.
    """

    banks: Banks
    public: Banks
    explaining: bool = True
    limits: Limits = DEFAULT
    required: str = ladder.LEVELS[0]
    level: str = ""

    @staticmethod
    def of(
        seed: Seed | None = None,
        explaining: bool = True,
        limits: Limits = DEFAULT,
        required: str = ladder.LEVELS[0],
        level: str = "",
    ) -> Engine:
        banks = Banks(seed)
        public = Banks() if banks.seed.secret else banks
        return Engine(banks, public, explaining, limits, required, level)

    @cached_property
    def server(self) -> ladder.ForkServer:
        if self.level:
            return ladder.proven(self.level, self.limits)
        return ladder.best(self.limits, self.required)

    @cached_property
    def public_server(self) -> ladder.ForkServer:
        """The server whose workers were born with no secret cases, and so can tell none."""
        if not self.banks.seed.secret:
            return self.server
        return ladder.proven(self.server.level, self.limits)

    def session(self, submission: Submission) -> Session:
        """A worker's session for one submission; the worker starts with the first question."""
        return session_of(submission, self.limits, self.server)

    def verdict(
        self,
        submission: Submission,
        exercises: Iterable[Exercise],
        progress: Callable[[Exercise], None] = lambda exercise: None,
    ) -> Verdict:
        """Judge these exercises of a submission: each as if it were alone."""
        chosen = list(exercises)
        results: dict[str, ExerciseResult] = {}
        with self.session(submission) as session:
            for exercise in chosen:
                progress(exercise)
                results[exercise.name] = self.judge(exercise, session)
            passed = [exercise for exercise in chosen if results[exercise.name].passed]
            for exercise in self._dependent(passed, session):
                session.end_worker()
                results[exercise.name] = self.judge(exercise, session)
            isolation = session.isolation
        return Verdict(
            submission.name,
            self.banks.seed.label,
            isolation,
            tuple(results.values()),
            submission.warnings,
        )

    def _dependent(self, passed: Sequence[Exercise], session: Session) -> list[Exercise]:
        """Exercises that passed, and do not when asked first: something else had helped them.

        A sample, another one for every submission, and the last one first, so that little that
        helped has run before.
        """
        if len(passed) < 2:
            return []
        chance = random.Random(repr(sorted(session.sources.items())))
        sample = set(chance.sample(range(len(passed)), min(SAMPLE, len(passed))))
        session.end_worker()
        asked = [exercise for i, exercise in enumerate(passed) if i in sample]
        dependent = []
        for exercise in reversed(asked):
            try:
                if self._fails_first(exercise, session):
                    dependent.append(exercise)
            except Exception:  # whatever it was, judging it again tells, and as whose fault
                dependent.append(exercise)
        return dependent

    def _fails_first(self, exercise: Exercise, session: Session) -> bool:
        if exercise.seconds is not None:
            return False  # its calls are too long to be made for a sample
        bank = self.banks.of(exercise)
        # The last of a kind is the largest.
        number = max(n for n, case in enumerate(bank.cases) if case.kind == bank.cases[0].kind)
        call = bank.calls[bank.main[number]]
        (answer,) = session.ask(exercise.topic, exercise.name, [call])
        case = bank.cases[number]
        return any(
            judge_case(exercise, law, case, [answer]) is not None
            for law in exercise.laws
            if law.calls is None and not law.timed and case.kind in exercise.kinds_of(law)
        )

    def prepare(self, exercises: Iterable[Exercise]) -> None:
        """Make the banks, and let workers be born with their calls, for many submissions."""
        for exercise in exercises:
            self.server.learn(self.banks.of(exercise).calls)

    def judge(self, exercise: Exercise, session: Session) -> ExerciseResult:
        """Judge one exercise in a running session."""
        try:
            with ExitStack() as opened:
                laws = self._laws(exercise, session, opened)
        except Exception as fault:
            # A worker that cannot start, a law that breaks on an answer nobody thought of: told
            # as ours (exit code 3), and the other exercises go on.
            message = f"{type(fault).__name__}: {fault}"
            laws = [_result(law, "grader_fault", message) for law in exercise.laws]
        return ExerciseResult(exercise.name, exercise.topic, tuple(laws))

    def _laws(self, exercise: Exercise, session: Session, opened: ExitStack) -> list[LawResult]:
        bank = self.banks.of(exercise)
        answers = _ask(exercise, bank, session)
        found = _failures(exercise, bank, answers)
        if any(found.values()) and session.served_others(exercise.topic, exercise.name):
            # What another function left behind must not cost this one: the verdict is the same as
            # when it is judged alone.
            session.end_worker()
            answers = _ask(exercise, bank, session)
            found = _failures(exercise, bank, answers)
        results: dict[str, LawResult] = {}
        shown: Shown | None = None
        for law in exercise.laws:
            if law.needs and results[law.needs].status != "pass":
                status: Status = (
                    "not_attempted" if results[law.needs].status == "not_attempted" else "not_run"
                )
                message = "" if status == "not_attempted" else f"it needs the law {law.needs} first"
                results[law.name] = _result(law, status, message)
                continue
            failures = found[law.name]
            if not failures and law.raising and not _gives_answers(bank, answers):
                unearned = "it counts once the function gives an answer"
                results[law.name] = _result(law, "not_run", unearned)
            elif not failures:
                results[law.name] = _result(law, "pass")
            elif failures[0].status == "not_attempted":
                message = failures[0].message
                results[law.name] = _result(law, "not_attempted", message)
            else:
                shown = shown or self._shown(exercise, bank, answers, session, opened)
                results[law.name] = self._explained(exercise, law, failures, shown)
        return list(results.values())

    def _shown(
        self,
        exercise: Exercise,
        bank: Bank,
        answers: list[Answer],
        session: Session,
        opened: ExitStack,
    ) -> Shown:
        """What an explanation may show: public cases, always."""
        if not (self.banks.seed.secret and self.explaining):
            return Shown(bank, answers, session)
        # Student code that knows the secret cases must not tell them now.
        public = opened.enter_context(dataclasses.replace(session, server=self.public_server))
        bank = self.public.of(exercise)
        return Shown(bank, _ask(exercise, bank, public), public)

    def _explained(
        self, exercise: Exercise, law: Law, failures: list[Failure], shown: Shown
    ) -> LawResult:
        status = failures[0].status
        if self.banks.seed.secret:
            # Show a public case instead, if one fails too; never the secret one.
            failures = []
            if self.explaining:
                failures = judge_law(exercise, law, shown.bank, shown.answers)
            if not failures:
                hidden = "it fails on a hidden case; no public case shows it"
                return _result(law, status, hidden)
        if not self.explaining:
            return _result(law, status, failures[0].message)
        bank, answers, session = shown.bank, shown.answers, shown.session
        return explain(exercise, law, failures, bank, answers, session, self.public.seed)


@dataclass(frozen=True)
class Shown:
    """The cases that students may see, the answers to them, and who can be asked more."""

    bank: Bank
    answers: list[Answer]
    session: Session


def session_of(
    submission: Submission, limits: Limits = DEFAULT, server: ladder.ForkServer | None = None
) -> Session:
    """A session for one submission; without a server given, it starts its own."""
    return Session(
        submission.sources,
        limits,
        submission.unreadable,
        submission.single,
        server,
        submission.places,
    )


def _ask(exercise: Exercise, bank: Bank, session: Session) -> list[Answer]:
    answers = session.ask(
        exercise.topic, exercise.name, bank.calls, bank.groups, seconds=exercise.seconds
    )
    timed = [
        call
        for law in exercise.laws
        if law.timed
        for _, calls in bank.plan[law.name]
        for call in calls
    ]
    for i in timed:
        if answers[i].status == "value":
            # Once more, and by a clock that student code has no hand on.
            seconds = session.seconds_of(exercise.topic, exercise.name, bank.calls[i])
            answers[i] = dataclasses.replace(answers[i], seconds=seconds)
    return answers


def _failures(
    exercise: Exercise, bank: Bank, answers: Sequence[Answer]
) -> dict[str, list[Failure]]:
    """What breaks each law; a law that needs another one is judged only where that one holds."""
    found: dict[str, list[Failure]] = {}
    for law in exercise.laws:
        if not law.needs or found.get(law.needs) == []:
            found[law.name] = judge_law(exercise, law, bank, answers)
    return found


def _gives_answers(bank: Bank, answers: Sequence[Answer]) -> bool:
    """Whether anything is answered by a value: who refuses everything has not understood what."""
    return any(answers[i].status == "value" for i in bank.main)


def judge_law(exercise: Exercise, law: Law, bank: Bank, answers: Sequence[Answer]) -> list[Failure]:
    """Every case on which the law does not hold, smallest first within each kind."""
    failures = []
    unanswered = []
    # Most answers are right to the bit, and then every law that is about values holds.
    unclear = {i for i, answer in enumerate(answers) if law.timed or not answer.exact}
    for number, calls in bank.plan[law.name]:
        if unclear.isdisjoint(calls):
            continue
        case = bank.cases[number]
        failure = judge_case(exercise, law, case, [answers[i] for i in calls], number)
        if failure is None:
            continue
        if law.structural and failure.mismatch is None and failure.status != "fail":
            unanswered.append(failure)
        else:
            failures.append(failure)
    if len(unanswered) > (1 - ENOUGH_ANSWERS) * len(bank.plan[law.name]):
        return unanswered
    return failures


def _result(law: Law, status: Status, message: str = "") -> LawResult:
    return LawResult(law.name, law.says, status, law.points, message)
