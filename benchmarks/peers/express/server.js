// The Express 5 peer: pg with a pool and named (prepared) statements, jsonwebtoken, a worker for each core that it is given.
import cluster from "node:cluster";
import express from "express";
import jwt from "jsonwebtoken";
import pg from "pg";

if (cluster.isPrimary) {
  for (let number = 0; number < Number(process.env.WEB_CONCURRENCY); number++) cluster.fork();
  process.on("SIGTERM", () => process.exit(0));
} else {
  serve();
}

function serve() {
  const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 8 });
  const app = express();
  app.disable("x-powered-by");
  app.set("etag", false);

  app.use((request, response, next) => {
    try {
      const token = (request.get("Authorization") ?? "").replace(/^Bearer /, "");
      const options = { algorithms: ["HS256"], audience: "interviews-api", issuer: "interviews-api" };
      request.me = jwt.verify(token, process.env.JWT_SECRET_KEY, options).sub;
      next();
    } catch {
      response.status(401).json({ statusCode: 401, message: "Unauthorized", error: "Unauthorized" });
    }
  });

  const columns = `i.id, i.application_id, i.candidate_id, i.status, i.type, i.starts_at, i.time_zone, i.location,
    i.meeting_link, i.notes, i.confirmed_at, i.completed_at, i.cancelled_at, i.cancellation_reason, i.is_hired,
    i.created_at, a.applied_at, c.id AS company_id, c.name AS company_name, c.logo AS company_logo,
    j.id AS job_id, j.title AS job_title`;
  const more = `i.share_feedback, i.feedback, c.address AS company_address, c.phone AS company_phone,
    c.email AS company_email, j.description AS job_description`;
  const joins = `JOIN applications a ON a.id = i.application_id JOIN jobs j ON j.id = a.job_id
    JOIN companies c ON c.id = j.company_id`;

  app.get("/candidate/interviews", async (request, response) => {
    const limit = Math.min(Number(request.query.limit ?? 10), 100);
    const skip = Number(request.query.skip ?? 0);
    const [page, counts] = await Promise.all([
      pool.query({
        name: "list",
        text: `SELECT ${columns} FROM interviews i ${joins} WHERE i.candidate_id = $1
          ORDER BY i.starts_at DESC, i.id LIMIT $2 OFFSET $3`,
        values: [request.me, limit, skip],
      }),
      pool.query({
        name: "counts",
        text: `SELECT count(*)::int AS total, (count(*) FILTER (WHERE status = 'en_attente'))::int AS pending,
          (count(*) FILTER (WHERE status = 'confirmed' AND starts_at >= now()))::int AS upcoming,
          (count(*) FILTER (WHERE status = 'completed'))::int AS completed FROM interviews WHERE candidate_id = $1`,
        values: [request.me],
      }),
    ]);
    const { total, pending, upcoming, completed } = counts.rows[0];
    response.json({
      message: "Candidate interviews retrieved successfully",
      data: {
        interviews: page.rows.map((row) => interview(row)),
        total,
        pendingCount: pending,
        upcomingCount: upcoming,
        completedCount: completed,
      },
    });
  });

  const details = { name: "details", text: `SELECT ${columns}, ${more} FROM interviews i ${joins} WHERE i.id = $1` };

  app.get("/candidate/interviews/:id", async (request, response) => {
    const row = (await pool.query({ ...details, values: [request.params.id] })).rows[0];
    if (!mine(request, response, row)) return;
    const data = interview(row);
    Object.assign(data.company, { address: row.company_address, phone: row.company_phone, email: row.company_email });
    data.job.description = row.job_description;
    data.feedback = row.share_feedback ? row.feedback : null;
    response.json({ message: "Interview details retrieved successfully", data });
  });

  app.put("/candidate/interviews/:id/confirm", async (request, response) => {
    const client = await pool.connect();
    try {
      await client.query("BEGIN");
      const now = new Date();
      const moved = await client.query({
        name: "confirm",
        text: `UPDATE interviews SET status = 'confirmed', confirmed_at = $3, updated_at = $3, reschedule_request = NULL,
          notices_after = $3, next_notice_at = $3 WHERE id = $1 AND candidate_id = $2 AND status = 'en_attente'
          RETURNING application_id, company_id, revision`,
        values: [request.params.id, request.me, now],
      });
      if (moved.rows.length) {
        const { application_id, company_id, revision } = moved.rows[0];
        await client.query({
          name: "follow",
          text: `UPDATE applications SET status = 'confirme', date_confirmed = $2, date_cancelled = NULL,
            cancellation_reason = NULL WHERE id = $1`,
          values: [application_id, now],
        });
        await client.query({
          name: "tell",
          text: `INSERT INTO events (interview_id, type, at, actor, revision, candidate_id, company_id)
            VALUES ($1, 'interview.confirmed', $2, 'candidate', $3, $4, $5)`,
          values: [request.params.id, now, revision, request.me, company_id],
        });
      }
      const row = (await client.query({ ...details, values: [request.params.id] })).rows[0];
      await client.query("COMMIT");
      if (!mine(request, response, row)) return;
      if (!moved.rows.length) {
        const message = "Interview is no longer pending confirmation";
        response.status(400).json({ statusCode: 400, message, error: "Bad Request" });
        return;
      }
      response.json({
        message: "Interview confirmed successfully",
        data: {
          interviewId: row.id,
          status: row.status,
          confirmedAt: row.confirmed_at,
          interview: {
            date: row.starts_at,
            time: wallTime(row),
            type: row.type,
            location: row.location,
            meetingLink: row.meeting_link,
            company: { name: row.company_name },
            job: { title: row.job_title },
          },
        },
      });
    } catch (error) {
      await client.query("ROLLBACK");
      throw error;
    } finally {
      client.release();
    }
  });

  app.listen(Number(process.env.PORT), "127.0.0.1");
}

function mine(request, response, row) {
  if (row?.candidate_id === request.me) return true;
  const [status, message, error] = row
    ? [403, "This interview does not belong to you", "Forbidden"]
    : [404, "Interview not found", "Not Found"];
  response.status(status).json({ statusCode: status, message, error });
  return false;
}

function interview(row) {
  return {
    interviewId: row.id,
    applicationId: row.application_id,
    company: { id: row.company_id, name: row.company_name, logo: row.company_logo },
    job: { id: row.job_id, title: row.job_title },
    status: row.status,
    type: row.type,
    scheduledDate: row.starts_at,
    scheduledTime: wallTime(row),
    location: row.location,
    meetingLink: row.meeting_link,
    notes: row.notes,
    confirmedAt: row.confirmed_at,
    completedAt: row.completed_at,
    cancelledAt: row.cancelled_at,
    cancellationReason: row.cancellation_reason,
    isHired: row.is_hired,
    appliedAt: row.applied_at,
    scheduledAt: row.created_at,
  };
}

const clocks = new Map();

function wallTime(row) {
  let clock = clocks.get(row.time_zone);
  if (!clock) {
    clock = new Intl.DateTimeFormat("en-GB", { timeZone: row.time_zone, hour: "2-digit", minute: "2-digit" });
    clocks.set(row.time_zone, clock);
  }
  return clock.format(row.starts_at);
}
