"""Statuses, and the seconds that AWS bills."""

from trainwright.rehearsal.jobs.statuses import SPOT_SAVING, Secondary, Status, Timeline


def timeline(*steps):
    made = Timeline()
    for moment, secondary in steps:
        made.enter(secondary, float(moment))
    return made


def completed():
    return timeline(
        (0, Secondary.STARTING),
        (10, Secondary.DOWNLOADING),
        (15, Secondary.TRAINING),
        (100, Secondary.UPLOADING),
        (110, Secondary.COMPLETED),
    )


def interrupted():
    return timeline(
        (0, Secondary.STARTING),
        (10, Secondary.DOWNLOADING),
        (20, Secondary.TRAINING),
        (50, Secondary.INTERRUPTED),
        (60, Secondary.STARTING),
        (200, Secondary.DOWNLOADING),
        (210, Secondary.TRAINING),
        (250, Secondary.UPLOADING),
        (260, Secondary.COMPLETED),
    )


def test_time_on_instances_is_from_the_download_to_the_upload():
    job = completed()
    assert (job.started, job.ended, job.training_seconds(999), job.status) == (10, 110, 100, Status.COMPLETED)


def test_waiting_for_new_instances_is_not_training_time():
    assert interrupted().training_seconds(999) == (50 - 10) + (260 - 200)


def test_spot_saving_is_in_the_billable_seconds():
    job = interrupted()
    training, billable = job.training_seconds(999), job.billable_seconds(999, spot=True)
    assert round(1 - billable / training, 6) == SPOT_SAVING
    assert completed().billable_seconds(999, spot=False) == 100


def test_begun_seconds_count():
    job = timeline((0, Secondary.STARTING), (0.2, Secondary.DOWNLOADING), (0.7, Secondary.FAILED))
    assert job.training_seconds(9) == 1


def test_a_job_that_never_had_instances_has_no_times_and_no_bill():
    job = timeline((0, Secondary.STARTING), (5, Secondary.STOPPING), (6, Secondary.STOPPED))
    assert (job.started, job.ended, job.training_seconds(99)) == (None, None, 0)


def test_a_stopping_job_stays_stopping_while_it_uploads():
    job = timeline((0, Secondary.STARTING), (1, Secondary.TRAINING), (2, Secondary.STOPPING), (3, Secondary.UPLOADING))
    assert (job.status, job.secondary) == (Status.STOPPING, Secondary.UPLOADING)


def test_every_transition_ends_when_the_next_begins():
    transitions = interrupted().transitions
    assert [item.end for item in transitions[:-1]] == [item.start for item in transitions[1:]]
