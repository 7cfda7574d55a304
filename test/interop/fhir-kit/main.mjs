// SPDX-License-Identifier: Apache-2.0

// Calls a running service with fhir-kit-client, as portals written in JavaScript do. The script "run" starts it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'fhir-kit-client';

const name = '$get-report-job-status';
const code = 'get-report-job-status';
const id = '-s-get-report-job-status';
const official = `http://ehealth.sundhed.dk/fhir/OperationDefinition/${id}`;
const earlier = `https://reporting.devtest.systematic-ehealth.com/fhir/OperationDefinition/${id}`;
const states = ['SCHEDULED', 'QUEUED', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED'];

function setting(variable) {
  const value = process.env[variable];
  assert(value, `${variable} is not set: start this with the script "run"`);
  return value;
}

const baseUrl = setting('INTEROP_URL');
const example = setting('INTEROP_TOKEN_EXAMPLE');
const demo = setting('INTEROP_TOKEN_DEMO');
const withoutJobs = setting('INTEROP_TOKEN_WITHOUT_JOBS');
const withoutUser = setting('INTEROP_TOKEN_WITHOUT_USER');
const reports = setting('INTEROP_TOKEN_REPORTS');
const expired = setting('INTEROP_TOKEN_EXPIRED');

const client = (bearerToken) => new Client({ baseUrl, bearerToken });
const parameters = (...parameter) => ({ resourceType: 'Parameters', parameter });

// The answer of the published example, as its user gets it.
const published = {
  resourceType: 'Bundle',
  type: 'collection',
  entry: [{
    fullUrl: 'ce35bcd5-4bb2-4c6e-b230-5347df1fe9bc',
    resource: {
      resourceType: 'Parameters',
      id: 'ce35bcd5-4bb2-4c6e-b230-5347df1fe9bc',
      parameter: [{
        name: 'reportJob',
        part: [
          { name: 'reportClass', valueString: 'com.systematic.ehealth.reporting.reports.PatientsUsageReport' },
          { name: 'userId', valueString: '0aaca7cd-67c3-48dd-a8c4-0cceecb5d276' },
          { name: 'status', valueString: 'FAILED' },
          { name: 'binary', valueReference: { reference: 'https://reporting.local.ehealth.sundhed.dk/fhir/Binary/7' } },
          {
            name: 'parameters',
            resource: { resourceType: 'Parameters', parameter: [{ name: 'anonymization', valueString: 'None' }] },
          },
          { name: 'created', valueDateTime: '2023-10-12T09:51:50+00:00' },
          { name: 'started', valueDateTime: '2023-10-12T09:51:50+00:00' },
          { name: 'ended', valueDateTime: '2023-10-12T09:51:51+00:00' },
        ],
      }],
    },
  }],
};

const part = (job, wanted) => job.resource.parameter[0].part.find((p) => p.name === wanted);

function statesOf(bundle) {
  assert.equal(bundle.resourceType, 'Bundle');
  assert.equal(bundle.type, 'collection');
  return (bundle.entry ?? []).map((job) => part(job, 'status').valueString);
}

// What comes back is the resource alone; a missing word of its own would only be seen in the text.
const same = (got, want) => assert.deepEqual(JSON.parse(JSON.stringify(got)), want);

async function inputs(call) {
  const ask = async (values) => call(client(demo), values);
  const all = await ask({});
  assert.deepEqual(statesOf(all), states);
  assert.deepEqual(statesOf(await ask({ status: ['FAILED', 'QUEUED'] })), ['QUEUED', 'FAILED']);
  const third = part(all.entry[2], 'created').valueDateTime;
  assert.deepEqual(statesOf(await ask({ since: [third] })), states.slice(0, 3));
  assert.deepEqual(statesOf(await ask({ _count: [2] })), states.slice(0, 2));
  assert.deepEqual(statesOf(await ask({ status: ['SCHEDULED', 'DONE'], since: [third], _count: [5] })), ['SCHEDULED']);
  assert.deepEqual(statesOf(await ask({ colour: ['red'] })), states);
}

const types = { status: 'valueCode', since: 'valueDateTime', _count: 'valuePositiveInt', colour: 'valueString' };

function byPost(c, values) {
  const list = Object.entries(values).flatMap(([n, v]) => v.map((one) => ({ name: n, [types[n]]: one })));
  return c.operation({ name, input: list.length > 0 ? parameters(...list) : { resourceType: 'Parameters' } });
}

const byGet = (c, values) => c.operation({ name, method: 'GET', input: values });

async function definitions() {
  const c = client();
  const definition = await c.read({ resourceType: 'OperationDefinition', id });
  assert.equal(definition.resourceType, 'OperationDefinition');
  assert.equal(definition.url, official);
  for (const searchParams of [{ url: official }, { url: earlier }, { code }]) {
    const found = await c.search({ resourceType: 'OperationDefinition', searchParams });
    assert.equal(found.type, 'searchset');
    assert.equal(found.total, 1, `total for ${JSON.stringify(searchParams)}`);
    assert.equal(found.entry[0].resource.id, id);
  }
  assert.equal((await c.search({ resourceType: 'OperationDefinition', searchParams: { code: 'something-else' } })).total, 0);
}

async function capabilities() {
  const statement = await client().capabilityStatement();
  assert.equal(statement.fhirVersion, '4.0.1');
  assert.equal(statement.implementation.url, baseUrl);
  assert.equal(statement.rest[0].operation.find((o) => o.name === code).definition, official);
}

async function refused(what, status, issueCode, words, call) {
  const error = await call().then(() => assert.fail(`${what}: not refused`), (e) => e);
  assert(error.response, `${what}: ${error}`);
  const outcome = error.response.data;
  notes.push(`${what}: ${error.message}: ${outcome?.issue?.[0]?.diagnostics}`);
  assert.equal(error.response.status, status, `${what}: status`);
  assert.equal(outcome.resourceType, 'OperationOutcome', what);
  assert.equal(outcome.id, error.config.headers.get('X-Request-Id'), `${what}: id of the outcome`);
  assert.equal(outcome.issue.length, 1, `${what}: issues`);
  assert.equal(outcome.issue[0].severity, 'error', `${what}: severity`);
  assert.equal(outcome.issue[0].code, issueCode, `${what}: code`);
  assert(outcome.issue[0].diagnostics.includes(words), `${what}: does not say "${words}": ${outcome.issue[0].diagnostics}`);
}

async function refusedCallers() {
  await refused('no token', 401, 'login', 'bearer token', () => client().operation({ name }));
  await refused('a bad token', 401, 'login', 'valid bearer token', () => client('nonsense').operation({ name }));
  await refused('an expired token', 401, 'expired', 'expired', () => client(expired).operation({ name, method: 'GET' }));
  await refused('a token without user_id', 403, 'forbidden', 'user_id', () => client(withoutUser).operation({ name }));
}

async function refusedRequests() {
  const c = client(demo);
  const strictly = { options: { headers: { Prefer: 'handling=strict' } } };
  await refused('an unknown operation', 404, 'not-supported', 'metadata',
    () => c.operation({ name: 'get-report-job-state' }));
  await refused('the operation on a type', 404, 'not-supported', 'metadata',
    () => c.operation({ name, resourceType: 'Patient' }));
  await refused('an unknown definition', 404, 'not-found', 'unheard-of',
    () => c.read({ resourceType: 'OperationDefinition', id: 'unheard-of' }));
  await refused('to delete a definition', 405, 'not-supported', 'DELETE',
    () => c.delete({ resourceType: 'OperationDefinition', id }));
  await refused('an unknown status by POST', 400, 'code-invalid', 'NOPE', () => byPost(c, { status: ['NOPE'] }));
  await refused('an unknown status by GET', 400, 'code-invalid', 'NOPE', () => byGet(c, { status: ['NOPE'] }));
  await refused('an unknown input by POST, strictly', 400, 'not-supported', 'colour',
    () => c.operation({ name, input: parameters({ name: 'colour', valueString: 'red' }), ...strictly }));
  await refused('an unknown input by GET, strictly', 400, 'not-supported', 'colour',
    () => c.operation({ name, method: 'GET', input: { colour: 'red' }, ...strictly }));
}

// A report, as portals have it made: ordered, asked for until it is done, read and deleted.
async function report() {
  const c = client(reports);
  const plain = { name: '$execute-patient-usage-stats', input: parameters({ name: 'anonymization', valueString: 'None' }) };
  const placeholder = await c.operation(plain);
  assert.equal(placeholder.resourceType, 'Binary');
  assert.equal(placeholder.meta.versionId, '1');
  assert.equal(Buffer.from(placeholder.data, 'base64').toString(), '*NOT GENERATED YET*');
  const binary = { resourceType: 'Binary', id: placeholder.id };
  const state = async () => {
    const { entry } = await c.operation({ name, input: { resourceType: 'Parameters' } });
    const job = entry.find((e) => part(e, 'binary').valueReference.reference === `${baseUrl}/Binary/${binary.id}`);
    return part(job, 'status').valueString;
  };
  for (let tries = 0, now = await state(); now !== 'DONE'; tries += 1, now = await state()) {
    assert(['QUEUED', 'RUNNING'].includes(now) && tries < 600, `the job is ${now}`);
    await sleep(100);
  }
  const result = await c.read(binary);
  assert.equal(result.meta.versionId, '2');
  assert.equal(result.contentType, 'application/gzip-json');
  assert.equal((await c.vread({ ...binary, version: '1' })).contentType, 'text/plain');

  // The client takes every answer for JSON, so bytes are had beside it, as a link in a page has them.
  const bytes = await fetch(`${baseUrl}/Binary/${binary.id}`, { headers: { Authorization: `Bearer ${reports}` } });
  assert.equal(bytes.headers.get('Content-Type'), 'application/gzip-json');
  assert.match(bytes.headers.get('Content-Disposition'), /^attachment; filename=PatientsUsageReport_[0-9_]{19}\.zip$/);
  assert.deepEqual(Buffer.from(await bytes.arrayBuffer()), Buffer.from(result.data, 'base64'));

  assert.equal((await c.delete(binary)).issue[0].details.coding[0].code, 'SUCCESSFUL_DELETE');
  await refused('to read a deleted Binary', 410, 'deleted', 'deleted', () => c.read(binary));
  await refused('to order without anonymization', 422, 'required', 'mandatory', () => c.operation({ ...plain, input: parameters() }));
  await refused('to order without the role', 403, 'forbidden', 'Insufficient permission', () => client(demo).operation(plain));
}

const manifest = new URL('../package.json', import.meta.resolve('fhir-kit-client'));
const { version } = JSON.parse(await readFile(manifest, 'utf8'));
const notes = [];
let failed = false;

async function row(call, code) {
  let result = 'ok';
  try {
    await code();
  } catch (error) {
    result = `FAILED: ${error.message}`.replace(/\s+/g, ' ');
    failed = true;
  }
  console.log(['fhir-kit-client', version, call, result].join('\t'));
}

await row('POST, with and without a body', async () => {
  same(await client(example).operation({ name, input: { resourceType: 'Parameters' } }), published);
  same(await client(example).operation({ name }), published);
});
await row('GET', async () => same(await client(example).operation({ name, method: 'GET' }), published));
await row('a user without jobs, POST and GET', async () => {
  for (const method of ['POST', 'GET']) {
    same(await client(withoutJobs).operation({ name, method }), { resourceType: 'Bundle', type: 'collection' });
  }
});
await row('inputs by POST', () => inputs(byPost));
await row('inputs by GET', () => inputs(byGet));
await row('capabilities', capabilities);
await row('read and search OperationDefinition', definitions);
await row('a report: execute, status, Binary, bytes, delete', report);
await row('refusals', async () => {
  await refusedCallers();
  await refusedRequests();
});

console.error(`fhir-kit-client ${version} says:`);
notes.forEach((note) => console.error(`  ${note}`));
process.exitCode = failed ? 1 : 0;
